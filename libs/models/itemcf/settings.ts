/** Settings of the item-to-item family. */

import { type SessionSettings, sessionSpec } from "#libs/models/session/settings.ts";
import { choice, decimal, type EventWeights, eventWeightSpec, type SettingSpec, whole } from "#libs/models/settings.ts";
import { symmetricSizeMax } from "#libs/sparse/dense.ts";

export interface ItemCfSettings extends EventWeights, SessionSettings {
  readonly method: "pairs" | "ease";
  readonly easeLambda: number;
  readonly easeItemsMax: number;
  readonly weighting: "cosine" | "bm25" | "tfidf" | "confidence" | "walk";
  readonly ownExponent: number;
  readonly otherExponent: number;
  readonly walkAlpha: number;
  readonly amplification: number;
  readonly bm25K1: number;
  readonly bm25B: number;
  readonly timeDecay: "exponential" | "hyperbolic" | "none";
  readonly timeDecayHalfLifeDays: number;
  readonly ageHalfLifeDays: number;
  readonly earlierFactor: number;
  readonly userDegree: "none" | "log" | "power";
  readonly userDegreeAlpha: number;
  readonly windowDays: number;
  readonly maxHistory: number;
  readonly maxUsersPerItem: number;
  readonly neighbours: number;
  readonly shrinkage: number;
  readonly historyItems: number;
  readonly recencyHalfLifeDays: number;
  readonly rankDecay: number;
  readonly dislikeVote: number;
  readonly repurchaseSimilarity: number;
  readonly repurchaseHalfLifeDays: number;
  readonly sameProductSimilarity: number;
  readonly sameProductItems: number;
  readonly popularityHalfLifeDays: number;
}

export const itemCfSpec: SettingSpec<ItemCfSettings> = {
  ...eventWeightSpec,
  ...sessionSpec,
  method: choice(
    "pairs",
    ["pairs", "ease"],
    "pairs: co-occurrence by weighting; ease: the linear model of Steck 2019 (ease.ts) on the same x",
  ),
  easeLambda: decimal(500, 1e-6, 1e9, "ridge of ease, in units of one fresh user (the paper: 200 to 1,000); sparse data want less"),
  easeItemsMax: whole(20_000, 1, symmetricSizeMax, "largest catalogue that ease accepts: 2 items² bytes, items³ operations"),
  weighting: choice(
    "confidence",
    ["cosine", "bm25", "tfidf", "confidence", "walk"],
    "how co-occurrence becomes similarity (weights.ts); recall@100 of the last days: confidence .323, cosine .296 on the H&M sample",
  ),
  ownExponent: decimal(
    0.5,
    0,
    4,
    "power of the item's own size in the norm of cosine, tfidf and walk; more: rare items of a history speak louder",
  ),
  otherExponent: decimal(
    0.5,
    0,
    4,
    "power of the neighbour's size in the same; more: rare neighbours (beta of RP3beta, Paudel et al. 2017)",
  ),
  walkAlpha: decimal(
    1,
    0,
    4,
    "power of a step's probability in walk (alpha of P3alpha, Cooper et al. 2014); more: short histories speak louder",
  ),
  amplification: decimal(
    1,
    0.01,
    10,
    "power of a similarity (case amplification, Breese et al. 1998); below 1 for votes of a whole history",
  ),
  bm25K1: decimal(1.2, 0, 1000, "saturation (Robertson and Zaragoza 2009 name 1.2 to 2)"),
  bm25B: decimal(0.75, 0, 1, "length normalisation (the same)"),
  timeDecay: choice("hyperbolic", ["exponential", "hyperbolic", "none"], "shape of the decay with the days between the two events"),
  timeDecayHalfLifeDays: decimal(7, 0.01, 10_000, "days between the two events at which a pair counts half"),
  ageHalfLifeDays: decimal(120, 0, 10_000, "age at which a pair counts half, so that last year's pairs fade; 0: never"),
  earlierFactor: decimal(0.8, 0, 10, "factor of a neighbour that was taken before, not after, the item: directional"),
  userDegree: choice("log", ["none", "log", "power"], "weight of a user with n items: 1, 1/log2(1+n), n^-alpha (Breese et al. 1998)"),
  userDegreeAlpha: decimal(0.5, 0, 4, "alpha of userDegree power"),
  windowDays: decimal(0, 0, 100_000, "days of history that pairs are counted in; 0: all"),
  maxHistory: whole(80, 2, 2000, "latest distinct items of a user that form pairs; bounds pairs a user to its square"),
  maxUsersPerItem: whole(20_000, 1, 1e9, "users of an item that are counted, an even sample where there are more"),
  neighbours: whole(80, 1, 2000, "neighbours kept an item"),
  shrinkage: decimal(2, 0, 1e6, "added to the norm, in units of one fresh user, against pairs of rare items"),
  historyItems: whole(60, 1, 1000, "latest distinct items of the request that vote"),
  recencyHalfLifeDays: decimal(30, 0, 10_000, "days after which an event's vote counts half; 0: no decay"),
  rankDecay: decimal(0.95, 0.01, 1, "factor of a vote for each more recent item before it"),
  dislikeVote: decimal(-0.5, -100, 0, "vote of a disliked item"),
  repurchaseSimilarity: decimal(0.6, 0, 1000, "similarity of an item to itself; the best neighbours average 1"),
  repurchaseHalfLifeDays: decimal(30, 0, 10_000, "days after which a purchase counts half for buying again"),
  sameProductSimilarity: decimal(0.6, 0, 1000, "similarity of an item to the best seller of its product group"),
  sameProductItems: whole(8, 0, 1000, "items of the product group that are named, best sellers first"),
  popularityHalfLifeDays: decimal(7, 0.01, 10_000, "half-life of the counts that order a product group"),
};
