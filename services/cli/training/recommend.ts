/** Lists without a network, by the same merge, ranker and arrangement as the gateway's. */

import type { Catalog } from "#libs/catalog/catalog.ts";
import { type ArrangeSettings, arrange, type ItemTraits } from "#libs/pipeline/arrange.ts";
import { orderByScore } from "#libs/pipeline/order.ts";
import type { Ranker } from "#libs/serve/ranker.ts";
import { type ListingRules, type LoadedSource, type OfflineUser, offlineCandidates, rankQuery } from "./offline.ts";

export interface OfflineModel {
  readonly sources: readonly LoadedSource[];
  readonly quotas: Readonly<Record<string, number>>;
  /** Weight of each source in rank fusion. */
  readonly fusion: Readonly<Record<string, number>>;
  readonly candidatesMax: number;
  readonly ranker: Ranker<unknown>;
  readonly artifact: unknown;
  readonly arrange: ArrangeSettings;
  readonly traits: ItemTraits;
}

/** Dense item indexes, best first. */
export async function recommendOffline(
  model: OfflineModel,
  catalog: Catalog,
  user: OfflineUser,
  limit: number,
  rules: ListingRules,
): Promise<Int32Array> {
  const candidates = offlineCandidates(model.sources, user, catalog, model.quotas, model.candidatesMax, rules);
  const scores = await model.ranker.score(model.artifact, rankQuery(user, candidates));
  const chosen = arrange(candidates.items, model.traits, orderByScore(scores), limit, model.arrange);
  return chosen.map((position) => candidates.items[position]!);
}
