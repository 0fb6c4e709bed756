/**
 * Settings of the closed-form graph filters.
 *
 * - GF-CF: Shen et al., "How Powerful is Graph Convolution for Recommendation?", CIKM 2021, doi 10.1145/3459637.3482264: a linear filter and
 *   an ideal low-pass filter of the item-item graph.
 * - BSPM: Choi et al., "Blurring-Sharpening Process Models for Collaborative Filtering", SIGIR 2023, doi 10.1145/3539618.3591645: the same blurring,
 *   then a step against the flow ("early merge": low-pass included).
 * - Free exponents of the degrees: as in LinkProp (Fu et al., "Revisiting Neighborhood-based Link Prediction for Collaborative Filtering",
 *   WWW 2022, doi 10.1145/3487553.3524712), which tunes one for each node of a path.
 */

import { choice, decimal, type EventWeights, eventWeightSpec, type SettingSpec, whole } from "#libs/models/settings.ts";

export interface GraphFilterSettings extends EventWeights {
  readonly weeks: number;
  readonly minUserItems: number;
  readonly usersMax: number;
  readonly userExponent: number;
  readonly itemExponent: number;
  readonly historyExponent: number;
  readonly lowPassHistoryExponent: number;
  readonly outExponent: number;
  readonly rank: number;
  readonly iterations: number;
  readonly lowPass: number;
  readonly lowPassUnit: "raw" | "share";
  readonly sharpening: number;
  readonly sharpeningSolver: "euler" | "rk4";
  readonly sharpeningRank: number;
  readonly neighbours: number;
  readonly rescored: number;
  readonly historyItems: number;
  readonly recencyHalfLifeDays: number;
}

/** Extra directions of the eigenvalue problem (Halko et al.: 5 to 10 suffice; more cost little and save iterations). */
export const oversample = 32;

/** BSPM with exponents validated on a fifth of Gowalla's training file (docs/models.md). */
export const bspmSpec: SettingSpec<GraphFilterSettings> = {
  ...eventWeightSpec,
  weeks: decimal(12, 0, 10_000, "weeks before the fit that make the graph; 0: all"),
  minUserItems: whole(2, 1, 1000, "users with fewer distinct items are left out: one item connects nothing"),
  usersMax: whole(150_000, 1, 1e9, "about so many users make the graph, a seeded sample of those who could"),
  userExponent: decimal(0.6, 0, 2, "q: a user of n items joins each pair of them with n^-q (GF-CF, BSPM: 1)"),
  itemExponent: decimal(0.35, 0, 1, "b: both items of a pair count degree^-b (GF-CF, BSPM: 0.5)"),
  historyExponent: decimal(0.1, -1, 1, "p: an item of the history counts degree^-p besides (GF-CF, BSPM: 0)"),
  lowPassHistoryExponent: decimal(0.1, -1, 1, "the same for the low-pass filter (GF-CF, BSPM: 0.5)"),
  outExponent: decimal(0.5, 0, 1, "low-passed scores are multiplied by degree^this (GF-CF, BSPM: 0.5)"),
  rank: whole(256, 8, 1024, "eigenvectors of the low-pass filter, a multiple of 8 (GF-CF: 256; BSPM on Gowalla: 448)"),
  iterations: whole(3, 1, 50, "subspace iterations of the eigenvalue problem"),
  lowPass: decimal(0.6, 0, 1000, "weight of the low-pass filter (GF-CF: 0.3 raw on Gowalla; BSPM: 0.2)"),
  lowPassUnit: choice(
    "share",
    ["raw", "share"],
    "share: of mean absolute scores, so that a weight carries over to other data; raw: as published",
  ),
  sharpening: decimal(
    1,
    0,
    10,
    "T: length of the one step against the flow; 0: none. P's largest eigenvalue is scaled to 1 (BSPM on Gowalla: 2.5)",
  ),
  sharpeningSolver: choice("euler", ["euler", "rk4"], "of that step: Euler, or Runge and Kutta's of fourth order (BSPM on Gowalla)"),
  sharpeningRank: whole(
    0,
    0,
    2048,
    "eigenvectors on which the linear filter is sharpened, a multiple of 8; 0: those of the low-pass filter",
  ),
  neighbours: whole(256, 1, 10_000, "largest values kept of each row of the linear filter"),
  rescored: whole(2048, 1, 1e6, "items with the largest linear score whose low-pass score is worked out"),
  historyItems: whole(60, 1, 1000, "latest distinct items of the request that make the user's signal"),
  recencyHalfLifeDays: decimal(30, 0, 10_000, "days after which an event counts half in it; 0: no decay"),
};

/** The linear filter's sharpening and the low-pass filter read the history alike, so one row of factors holds both. */
const folds = (settings: GraphFilterSettings): boolean =>
  settings.sharpening === 0 || settings.historyExponent === settings.lowPassHistoryExponent;

/** Eigenvectors that a fit works out: the low-pass filter takes the first `rank` of them. */
export const spectrumRank = ({ rank, sharpening, sharpeningRank }: GraphFilterSettings): number =>
  sharpening === 0 ? rank : Math.max(rank, sharpeningRank);

/** Columns of the factors of a filter. */
export const factorWidth = (settings: GraphFilterSettings): number => spectrumRank(settings) + (folds(settings) ? 0 : settings.rank);

/** GF-CF as published for Gowalla. */
export const gfcfSpec: SettingSpec<GraphFilterSettings> = {
  ...bspmSpec,
  userExponent: { ...bspmSpec.userExponent, fallback: 1 },
  itemExponent: { ...bspmSpec.itemExponent, fallback: 0.5 },
  historyExponent: { ...bspmSpec.historyExponent, fallback: 0 },
  lowPassHistoryExponent: { ...bspmSpec.lowPassHistoryExponent, fallback: 0.5 },
  lowPass: { ...bspmSpec.lowPass, fallback: 0.3 },
  lowPassUnit: { ...bspmSpec.lowPassUnit, fallback: "raw" },
  sharpening: { ...bspmSpec.sharpening, fallback: 0 },
};
