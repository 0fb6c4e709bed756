/** Settings of LightGCN: He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation", SIGIR 2020, doi 10.1145/3397271.3401063. */

import { choice, decimal, type EventWeights, eventWeightSpec, type SettingSpec, whole } from "#libs/models/settings.ts";

export interface LightGcnSettings extends EventWeights {
  readonly weeks: number;
  readonly minUserItems: number;
  readonly usersMax: number;
  readonly dimensions: number;
  readonly loss: "bpr" | "softmax";
  readonly similarity: "cosine" | "product";
  readonly temperature: number;
  readonly negatives: number;
  readonly negativesBy: "items" | "edges";
  readonly ownPairs: "kept" | "left out";
  readonly start: "random" | "spectral";
  readonly startExponent: number;
  readonly rateDecay: "none" | "linear";
  readonly validationUsers: number;
  readonly validateEvery: number;
  readonly patience: number;
  readonly layers: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly l2: number;
  readonly initialDeviation: number;
  readonly historyItems: number;
  readonly recencyHalfLifeDays: number;
}

export const lightGcnSpec: SettingSpec<LightGcnSettings> = {
  ...eventWeightSpec,
  weeks: decimal(12, 0, 10_000, "weeks before the fit that make the graph; 0: all"),
  minUserItems: whole(2, 1, 1000, "users with fewer distinct items are left out: one item connects nothing"),
  usersMax: whole(
    150_000,
    1,
    1e9,
    "about so many users make the graph, a seeded sample of those who could: users are folded in when served, so they only teach the items",
  ),
  dimensions: whole(64, 4, 512, "length of an embedding, a multiple of 4, of 8 for softmax (paper: 64)"),
  loss: choice("softmax", ["bpr", "softmax"], "bpr: the paper's; softmax: sampled softmax (Wu et al., TOIS 2024, doi 10.1145/3637061)"),
  similarity: choice("product", ["cosine", "product"], "what a softmax scores by; BPR always by the product"),
  temperature: decimal(1, 0.001, 100, "of the softmax: 1 for the product, 0.1 to 0.3 for the cosine (SGL: 0.2)"),
  negatives: whole(256, 8, 65_536, "negatives of a softmax, shared by 2,048 pairs, a multiple of 8"),
  negativesBy: choice(
    "items",
    ["items", "edges"],
    "how they are drawn: evenly over items, or over edges (by popularity, as negatives within a batch are)",
  ),
  ownPairs: choice(
    "left out",
    ["kept", "left out"],
    "left out: pairs of a softmax step take no part in its propagation, as pairs to be predicted do not (Zhu et al., WSDM 2024, on target links)",
  ),
  start: choice(
    "spectral",
    ["random", "spectral"],
    "spectral: a softmax starts at the low-pass graph filter of GF-CF (doi 10.1145/3459637.3482264), made of as many eigenvectors",
  ),
  startExponent: decimal(0.4, -1, 1, "such an eigenvector's value of an item is multiplied by degree^this"),
  rateDecay: choice("none", ["none", "linear"], "linear: the learning rate falls to 0 over the epochs"),
  validationUsers: whole(4000, 0, 1e9, "about so many users of whom a fifth of the items is held out to stop early; 0: no early stopping"),
  validateEvery: whole(2, 1, 1000, "epochs between measurements of the held-out slice"),
  patience: whole(3, 1, 1000, "measurements in a row that are no better, after which training stops"),
  layers: whole(3, 0, 8, "propagation layers (paper: 3)"),
  epochs: whole(8, 1, 10_000, "passes of as many triples as the graph has edges (paper: up to 1000 of 2,048 triples a step)"),
  batchSize: whole(
    262_144,
    1,
    1e7,
    "triples a step, at most a twentieth of the edges; paper: 2,048, but each step propagates the whole graph",
  ),
  learningRate: decimal(0.02, 1e-6, 1, "of Adam; paper: 0.001 at 2,048 triples a step, larger for larger steps"),
  l2: decimal(1e-4, 0, 10, "weight decay of the embeddings of a step's triples (paper: 1e-4)"),
  initialDeviation: decimal(0.1, 1e-6, 10, "standard deviation of embeddings that start at random (authors' code: 0.1)"),
  historyItems: whole(60, 1, 1000, "latest distinct items of the request that make the user's vector"),
  recencyHalfLifeDays: decimal(30, 0, 10_000, "days after which an event counts half in it; 0: no decay"),
};
