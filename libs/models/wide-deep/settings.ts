/**
 * Settings of Wide & Deep (Cheng et al., "Wide & Deep Learning for Recommender Systems", DLRS 2016, doi 10.1145/2988450.2988454), with its
 * logistic loss or the softmax over the candidates of one request (Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach",
 * ICML 2007, doi 10.1145/1273496.1273513).
 */

import { choice, decimal, type SettingSpec, whole } from "#libs/models/settings.ts";

export interface WideDeepSettings {
  readonly network: "wide-deep" | "two-tower";
  readonly hidden1: number;
  readonly hidden2: number;
  readonly members: number;
  readonly embedding: number;
  readonly dropout: number;
  readonly loss: "listwise" | "bce";
  readonly listLength: number;
  readonly batchLists: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly warmUp: number;
  readonly rateDecay: "cosine" | "constant";
  readonly weightDecay: number;
  readonly wide: "crosses" | "none";
  readonly wideRate: number;
  readonly wideL1: number;
  readonly wideL2: number;
  readonly state: "use" | "none";
  readonly counters: "use" | "none";
  readonly sourceScores: "use" | "none";
  readonly validationShare: number;
  readonly validations: number;
  readonly patience: number;
}

/** Chosen on weeks of Online Retail before those that are judged (docs/models.md). */
export const wideDeepSpec: SettingSpec<WideDeepSettings> = {
  network: choice(
    "wide-deep",
    ["wide-deep", "two-tower"],
    "layers over all inputs, or one tower of the user and one of the item that meet in a product",
  ),
  hidden1: whole(64, 4, 1024, "units of the first layer"),
  hidden2: whole(32, 4, 1024, "units of the second"),
  members: whole(
    4,
    1,
    32,
    "networks side by side, each with a start of its own, whose scores are averaged (Lakshminarayanan et al., NeurIPS 2017)",
  ),
  embedding: whole(8, 4, 64, "dimensions of an attribute's value, a multiple of 4"),
  dropout: decimal(0.1, 0, 0.9, "share of zeros after each layer"),
  loss: choice("bce", ["listwise", "bce"], "each candidate by itself, or the softmax over the candidates of a request"),
  listLength: whole(96, 8, 1000, "candidates of a request that teach: those taken, and others drawn"),
  batchLists: whole(8, 1, 1024, "requests a step"),
  epochs: whole(16, 1, 1000, "passes over the requests"),
  learningRate: decimal(0.002, 1e-6, 1, "the largest, of Adam"),
  warmUp: decimal(0.05, 0, 1, "share of the steps in which the rate rises"),
  rateDecay: choice("cosine", ["cosine", "constant"], "after the warm-up"),
  weightDecay: decimal(1e-4, 0, 1, "of all weights of the layers, apart from the gradient (AdamW)"),
  wide: choice("crosses", ["crosses", "none"], "whether crosses of what the user did with what the item is have weights of their own"),
  wideRate: decimal(0.05, 1e-6, 10, "alpha of FTRL, the rate of the crosses"),
  wideL1: decimal(8, 0, 100, "of FTRL: the larger, the fewer crosses count"),
  wideL2: decimal(0.01, 0, 10, "of FTRL"),
  state: choice("use", ["use", "none"], "whether SASRec's state and its product with the item are inputs, where the release has it"),
  counters: choice("use", ["use", "none"], "whether counts of sales are inputs"),
  sourceScores: choice("use", ["use", "none"], "whether what the sources said is an input"),
  validationShare: decimal(0.1, 0, 0.5, "of the requests, held out to choose the best step"),
  validations: whole(6, 1, 1000, "times that they are ranked"),
  patience: whole(1000, 1, 1000, "validations without a better one that end the training"),
};
