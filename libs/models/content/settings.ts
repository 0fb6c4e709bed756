/** Settings of the content model. */

import { decimal, type EventWeights, eventWeightSpec, type SettingSpec, whole } from "#libs/models/settings.ts";

export interface ContentSettings extends EventWeights {
  readonly dimensions: number;
  readonly textShare: number;
  readonly tokenUsersMin: number;
  readonly tokenShareMax: number;
  readonly tokensMax: number;
  readonly svdIterations: number;
  readonly activeDays: number;
  readonly connectivity: number;
  readonly expansionAdd: number;
  readonly expansionSearch: number;
  readonly exactShare: number;
  readonly historyItems: number;
  readonly recencyHalfLifeDays: number;
  readonly rankDecay: number;
  readonly singleQueries: number;
  readonly singleFactor: number;
}

export const contentSpec: SettingSpec<ContentSettings> = {
  ...eventWeightSpec,
  dimensions: whole(64, 4, 512, "length of an item's vector, a multiple of 4"),
  textShare: decimal(0.4, 0, 1, "share of the text block against the attribute block in the cosine"),
  tokenUsersMin: whole(3, 1, 1e6, "items that must have a token for it to count"),
  tokenShareMax: decimal(0.3, 0, 1, "share of items above which a token says nothing"),
  tokensMax: whole(20_000, 1, 1e6, "most frequent tokens kept"),
  svdIterations: whole(2, 0, 20, "subspace iterations (Halko et al. 2011 find 1 or 2 enough)"),
  activeDays: decimal(60, 0, 100_000, "an item counts as on sale when it was sold so lately, or never yet; 0: all are"),
  connectivity: whole(16, 2, 128, "links of an HNSW node (Malkov and Yashunin 2018 use 5 to 48)"),
  expansionAdd: whole(96, 8, 2000, "nodes looked at when one is added"),
  expansionSearch: whole(128, 8, 2000, "nodes looked at in a search"),
  exactShare: decimal(0.2, 0, 1, "a filter that leaves a smaller share of items than this is answered by exact search"),
  historyItems: whole(30, 1, 1000, "latest distinct items of the request that make the query"),
  recencyHalfLifeDays: decimal(30, 0, 10_000, "days after which an event counts half in it; 0: no decay"),
  rankDecay: decimal(0.9, 0.01, 1, "factor of an item for each more recent one before it"),
  singleQueries: whole(
    0,
    0,
    20,
    "latest items that are asked for one by one beside their mean; 3 cost twice the time for recall@60 of .047 against .046 (synthetic shop, medium)",
  ),
  singleFactor: decimal(0.85, 0, 1, "factor of the scores of such a query"),
};
