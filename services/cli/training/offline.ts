/** The pipeline without a network: candidates and lists for users of a data set, read through the same functions as in serving. */

import { type ItemPolicy, isAvailable } from "#libs/catalog/availability.ts";
import type { Catalog, UserTable } from "#libs/catalog/catalog.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { historyBefore } from "#libs/data/splits.ts";
import { historyMax } from "#libs/events/event.ts";
import { mergeAnswers, selectCandidates } from "#libs/pipeline/merge.ts";
import type { CandidateTable } from "#libs/pipeline/pipeline.ts";
import type { RankQuery } from "#libs/serve/ranker.ts";
import type { CandidateSource, SourceQuery } from "#libs/serve/source.ts";

/** What lists may hold. */
export interface ListingRules {
  readonly items: ItemPolicy;
  /** Whether items that the user took before may come back. */
  readonly seen: "keep" | "drop";
  /** Instant at which items must have been available; that of the request when left out. The gateway's is the end of its release's data. */
  readonly availableAtSeconds?: number;
}

export interface LoadedSource {
  readonly name: string;
  readonly source: CandidateSource<unknown>;
  readonly artifact: unknown;
}

/** Attributes of one user that are known, by name. */
export function userAttributes(users: UserTable, user: number): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (const { name, values, codes } of users.attributes) {
    const code = codes[user]!;
    if (code >= 0) known.set(name, values[code]!);
  }
  return known;
}

export interface OfflineUser {
  readonly items: Int32Array;
  readonly times: Float64Array;
  readonly types: Uint8Array;
  readonly attributes: ReadonlyMap<string, string>;
  readonly nowSeconds: number;
}

/** What serving would know of the user at the instant: the latest `most` events before it. */
export function offlineUser(
  interactions: Interactions,
  users: UserTable,
  user: number,
  nowSeconds: number,
  most = historyMax,
): OfflineUser {
  const { start, end } = historyBefore(interactions, user, nowSeconds);
  const from = Math.max(start, end - most);
  return {
    items: interactions.items.slice(from, end),
    times: Float64Array.from(interactions.times.subarray(from, end)),
    types: interactions.types.slice(from, end),
    attributes: userAttributes(users, user),
    nowSeconds,
  };
}

function sourceQuery(user: OfflineUser, limit: number): SourceQuery {
  return { ...user, limit, seeds: new Int32Array(0), allowed: null };
}

/** Candidates of every source, merged and under the rules; `quotas` by source name. */
export function offlineCandidates(
  sources: readonly LoadedSource[],
  user: OfflineUser,
  catalog: Catalog,
  quotas: Readonly<Record<string, number>>,
  limit: number,
  rules: ListingRules,
): CandidateTable {
  const answers = sources.map(({ name, source, artifact }) => {
    const { items, scores, reasons } = source.retrieve(artifact, sourceQuery(user, quotas[name] ?? 100));
    return { source: name, answer: { release: "", items, scores, reasons, reasonWords: source.reasons, because: [], pinned: true } };
  });
  const merged = mergeAnswers(answers, limit);
  const seen = new Set(rules.seen === "drop" ? user.items : []);
  const atSeconds = rules.availableAtSeconds ?? user.nowSeconds;
  const kept = Int32Array.from(merged.items.keys()).filter((position) => {
    const item = merged.items[position]!;
    return !seen.has(item) && isAvailable(catalog, item, atSeconds, rules.items);
  });
  return selectCandidates(merged, kept);
}

export function rankQuery(user: OfflineUser, candidates: CandidateTable): RankQuery {
  return {
    candidates: candidates.items,
    sources: candidates.sources,
    events: user,
    attributes: user.attributes,
    nowSeconds: user.nowSeconds,
  };
}
