/** Label windows: what sources, fitted before the earliest of them, say of users who then bought something. */

import type { Catalog, UserTable } from "#libs/catalog/catalog.ts";
import { createRandom } from "#libs/core/random.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { interactionsBetween, type TimeWindow, type WindowTruth } from "#libs/data/splits.ts";
import { type EventType, eventCode, historyMax } from "#libs/events/event.ts";
import { catalogAsOf, countItems } from "#libs/features/item-statistics.ts";
import type { LabelledQuery, LabelWeek } from "#libs/serve/ranker.ts";
import { type ListingRules, type LoadedSource, offlineCandidates, offlineUser, rankQuery } from "./offline.ts";

/** From which windows the ranker learns, and what counts in them. */
export interface LabelRecipe extends ListingRules {
  readonly windows: number;
  readonly days: number;
  /** Latest events of a user that models see. */
  readonly history: number;
  /** Events that count as taken. */
  readonly targets: readonly EventType[];
}

/** Three weeks before the end, as serving sees users and items. */
export const defaultLabels: LabelRecipe = {
  windows: 3,
  days: 7,
  items: "available",
  seen: "keep",
  history: historyMax,
  targets: ["purchase"],
};

export interface LabelWeekOptions {
  readonly interactions: Interactions;
  readonly catalog: Catalog;
  readonly users: UserTable;
  /** Fitted on events before the earliest label week only. */
  readonly sources: readonly LoadedSource[];
  readonly quotas: Readonly<Record<string, number>>;
  readonly candidatesMax: number;
  readonly labels: LabelRecipe;
  /** Most users of one week; more are sampled. */
  readonly usersMax: number;
  readonly seed: number;
}

/** Positions in `truth.users`, at most `most`, drawn without order. */
function sampleUsers(truth: WindowTruth, most: number, seed: number, key: string): number[] {
  const all = Array.from(truth.users.keys());
  if (all.length <= most) return all;
  const random = createRandom(seed, key);
  for (let i = 0; i < most; i++) {
    const j = i + random.below(all.length - i);
    const kept = all[i]!;
    all[i] = all[j]!;
    all[j] = kept;
  }
  return all.slice(0, most);
}

function labelsOf(items: Int32Array, taken: ReadonlySet<number>): Uint8Array {
  return Uint8Array.from(items, (item) => (taken.has(item) ? 1 : 0));
}

/** Queries are made while they are read, so that a week never stands in memory. */
function* labelledQueries(options: LabelWeekOptions, catalog: Catalog, truth: WindowTruth, week: TimeWindow): Generator<LabelledQuery> {
  const { interactions, users, sources, quotas, candidatesMax, usersMax, seed } = options;
  for (const at of sampleUsers(truth, usersMax, seed, `label users ${week.from}`)) {
    const user = offlineUser(interactions, users, truth.users[at]!, week.from, options.labels.history);
    const candidates = offlineCandidates(sources, user, catalog, quotas, candidatesMax, options.labels);
    const taken = new Set(truth.items.subarray(truth.offsets[at]!, truth.offsets[at + 1]!));
    yield { query: rankQuery(user, candidates), labels: labelsOf(candidates.items, taken), taken: taken.size };
  }
}

export function labelWeek(options: LabelWeekOptions, week: TimeWindow): LabelWeek {
  const truth = interactionsBetween(options.interactions, week.from, week.to, {
    types: options.labels.targets.map((type) => eventCode[type]),
  });
  const statistics = countItems(options.interactions, options.users, week.from);
  const catalog = catalogAsOf(options.catalog, statistics);
  return {
    nowSeconds: week.from,
    catalog,
    statistics,
    queries: { [Symbol.iterator]: () => labelledQueries(options, catalog, truth, week) },
  };
}
