/**
 * Settings of SASRec. Loss: the softmax over all items or over shared draws, with which it passes its published figures by far (Petrov and Macdonald,
 * gSASRec, RecSys 2023, doi 10.1145/3604915.3608783; Klenitskiy and Vasilev, RecSys 2023, doi 10.1145/3604915.3610644).
 */

import { choice, decimal, type SettingSpec, whole } from "#libs/models/settings.ts";

export interface SasrecSettings {
  readonly dimensions: number;
  readonly blocks: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly length: number;
  readonly dropout: number;
  readonly loss: "full" | "sampled";
  readonly negatives: number;
  readonly labelSmoothing: number;
  readonly batchRows: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly warmUp: number;
  readonly rateDecay: "cosine" | "constant";
  readonly initialDeviation: number;
  readonly weightDeviation: number;
  readonly unknownShare: number;
  readonly attributes: "none" | "all";
  readonly eventTypes: "none" | "input";
  readonly timeGaps: "none" | "input";
  readonly validationUsers: number;
  readonly validations: number;
  readonly patience: number;
}

/** Chosen on ML-1M's validation items (docs/models.md). */
export const sasrecSpec: SettingSpec<SasrecSettings> = {
  dimensions: whole(64, 4, 1024, "of a state and of an item's vector, a multiple of 4"),
  blocks: whole(2, 1, 16, "transformer blocks (SASRec: 2)"),
  heads: whole(1, 1, 16, "of the attention; divide the dimensions (SASRec: 1)"),
  feedForward: whole(128, 4, 4096, "width inside a block"),
  length: whole(200, 2, 1000, "latest events that are read (SASRec on ML-1M: 200)"),
  dropout: decimal(0.2, 0, 0.9, "share of zeros (SASRec on ML-1M: 0.2)"),
  loss: choice(
    "full",
    ["full", "sampled"],
    "softmax over all items, or over the target and shared draws (for more than some 20,000 items)",
  ),
  negatives: whole(1024, 1, 65_536, "draws of a step with the sampled loss, uniform and shared by all positions"),
  labelSmoothing: decimal(0, 0, 0.5, "share of the target spread over all items; with the full loss"),
  batchRows: whole(32, 1, 4096, "packed rows a step"),
  epochs: whole(14, 1, 10_000, "passes over the histories"),
  learningRate: decimal(0.005, 1e-6, 1, "the largest, of Adam"),
  warmUp: decimal(0.05, 0, 1, "share of the steps in which the rate rises"),
  rateDecay: choice("cosine", ["cosine", "constant"], "after the warm-up"),
  initialDeviation: decimal(0.05, 1e-6, 1, "of embeddings at the start (BERT4Rec: 0.02)"),
  weightDeviation: decimal(0.05, 1e-6, 1, "of matrices at the start (BERT4Rec: 0.02; Glorot and Bengio at 64 dimensions: 0.125)"),
  unknownShare: decimal(
    0.002,
    0,
    0.5,
    "share of items that a step takes for unknown, which trains the row of unknown items; with attributes theirs stay",
  ),
  attributes: choice("none", ["none", "all"], "whether an item's attributes add to its vector; new items then score by theirs"),
  eventTypes: choice("none", ["none", "input"], "whether the type of an event adds to its row"),
  timeGaps: choice("none", ["none", "input"], "whether the time since the event before adds to its row"),
  validationUsers: whole(5000, 0, 1e9, "whose last event is held out to choose the best step; 0: the last step is kept"),
  validations: whole(5, 1, 1000, "times that the held-out events are ranked"),
  patience: whole(1000, 1, 1000, "validations without a better one that end the training"),
};
