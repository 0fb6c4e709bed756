/** The feature definitions that training and serving share. Changing a definition raises `featureVersion`. */

import { createHash } from "node:crypto";
import type { AttributeColumn, Catalog } from "#libs/catalog/catalog.ts";
import { secondsPerDay } from "#libs/core/clock.ts";
import type { ItemStatistics } from "./item-statistics.ts";
import { affinityColumns, type UserState } from "./user-state.ts";

export const featureVersion = 1;

/** What one source said of the candidates, in their order. */
export interface SourceColumn {
  readonly source: string;
  /** 0 where it did not name the candidate. */
  readonly scores: ArrayLike<number>;
  /** From 1; 0 where it did not name the candidate. */
  readonly ranks: ArrayLike<number>;
}

export interface FeatureTable {
  readonly names: readonly string[];
  /** Hash of version and names; a ranker trained on another table is refused. */
  readonly hash: string;
  /** Row-major [rows x names], one row for each of `positions` (of the candidates); columns of sources that are missing are 0. */
  compute(
    user: UserState,
    candidates: Int32Array,
    sources: readonly SourceColumn[],
    nowSeconds: number,
    positions?: Int32Array,
  ): Float32Array;
}

const sourceFeatures = ["present", "reciprocal_rank", "log_rank", "score", "share_of_best"] as const;

const userItemFeatures = [
  "bought",
  "bought_log_count",
  "bought_recency_7",
  "bought_recency_30",
  "group_bought",
  "group_recency_30",
  "looked_recency_1",
  "looked_log_count",
  "liked",
  "disliked",
  "price_gap",
] as const;

const itemFeatures = [
  "log_count_1",
  "log_count_7",
  "log_count_28",
  "trend",
  "segment_lift",
  "segment_log_count",
  "age_14",
  "age_90",
  "idle_days",
  "never_sold",
  "stranger_log_count_7",
  "sleeper_log_count_7",
] as const;

/** Of the item features those that say when an item sold, not how much. */
const saleTimes: ReadonlySet<string> = new Set<(typeof itemFeatures)[number]>(["age_14", "age_90", "idle_days", "never_sold"]);
/** Features that counts of sales make. */
export const counterFeatures: ReadonlySet<string> = new Set(itemFeatures.filter((name) => !saleTimes.has(name)));

export function featureNames(sources: readonly string[], columns: readonly AttributeColumn[]): string[] {
  return [
    ...sources.flatMap((source) => sourceFeatures.map((name) => `${source}.${name}`)),
    ...userItemFeatures,
    ...columns.map((column) => `affinity.${column.name}`),
    ...itemFeatures,
  ];
}

export function featureHash(names: readonly string[]): string {
  return createHash("sha256")
    .update(`${featureVersion}\n${names.join("\n")}`)
    .digest("hex");
}

/** The best score is taken over all candidates, not over the rows wanted: else a sample would see other features than serving. */
function fillSource(out: Float32Array, width: number, column: number, source: SourceColumn, positions: Int32Array): void {
  let best = 0;
  for (let i = 0; i < source.ranks.length; i++) if (source.ranks[i]! > 0) best = Math.max(best, Math.abs(source.scores[i]!));
  for (let row = 0; row < positions.length; row++) {
    const rank = source.ranks[positions[row]!]!;
    if (rank === 0) continue;
    const at = row * width + column;
    const score = source.scores[positions[row]!]!;
    out[at] = 1;
    out[at + 1] = 1 / rank;
    out[at + 2] = Math.log1p(rank);
    out[at + 3] = Math.sign(score) * Math.log1p(Math.abs(score));
    out[at + 4] = best > 0 ? score / best : 0;
  }
}

function fillUserItem(out: Float32Array, at: number, user: UserState, item: number, catalog: Catalog, logs: ItemLogs): void {
  const bought = user.bought.get(item);
  if (bought) {
    out[at] = 1;
    out[at + 1] = Math.log1p(bought.count);
    out[at + 2] = Math.exp(-bought.days / 7);
    out[at + 3] = Math.exp(-bought.days / 30);
  }
  const group = user.boughtGroups.get(catalog.productGroup.codes[item]!);
  if (group) {
    out[at + 4] = 1;
    out[at + 5] = Math.exp(-group.days / 30);
  }
  const looked = user.looked.get(item);
  if (looked) {
    out[at + 6] = Math.exp(-looked.days);
    out[at + 7] = Math.log1p(looked.count);
  }
  out[at + 8] = user.liked.has(item) ? 1 : 0;
  out[at + 9] = user.disliked.has(item) ? 1 : 0;
  const price = catalog.prices[item]!;
  out[at + 10] = price > 0 && !Number.isNaN(user.logPrice) ? Math.min(3, Math.abs(logs.price[item]! - user.logPrice)) : 0;
}

/** What does not depend on the request, computed once a release: logarithms are most of the work of a row. */
interface ItemLogs {
  readonly count1: Float32Array;
  readonly count7: Float32Array;
  readonly count28: Float32Array;
  readonly trend: Float32Array;
  /** Natural logarithm of the price; meaningless where the price is 0. */
  readonly price: Float64Array;
}

function itemLogs(catalog: Catalog, { count1, count7, countBefore7, count28 }: ItemStatistics): ItemLogs {
  return {
    count1: count1.map(Math.log1p),
    count7: count7.map(Math.log1p),
    count28: count28.map(Math.log1p),
    trend: count7.map((count, item) => Math.log((count + 1) / (countBefore7[item]! + 1))),
    price: Float64Array.from(catalog.prices, Math.log),
  };
}

/** Features of an item alone and of its standing with the user's segment; `segmentTotals` are purchases of 28 days by segment. */
function fillItem(
  out: Float32Array,
  at: number,
  user: UserState,
  item: number,
  stats: ItemStatistics,
  logs: ItemLogs,
  segmentTotals: Float64Array,
  nowSeconds: number,
): void {
  const itemCount = stats.count7.length;
  const week = logs.count7[item]!;
  const inSegment = stats.segment28[user.segment * itemCount + item]!;
  const total = segmentTotals[segmentTotals.length - 1]!;
  const expected = total > 0 ? (stats.count28[item]! * segmentTotals[user.segment]!) / total : 0;
  out[at] = logs.count1[item]!;
  out[at + 1] = week;
  out[at + 2] = logs.count28[item]!;
  out[at + 3] = logs.trend[item]!;
  out[at + 4] = Math.log((inSegment + 5) / (expected + 5));
  out[at + 5] = Math.log1p(inSegment);
  const first = stats.firstSale[item]!;
  if (first === 0) {
    out[at + 9] = 1;
  } else {
    const age = Math.max(0, (nowSeconds - first) / secondsPerDay);
    out[at + 6] = Math.exp(-age / 14);
    out[at + 7] = Math.exp(-age / 90);
    out[at + 8] = Math.min(3, Math.log1p(Math.max(0, (nowSeconds - stats.lastSale[item]!) / secondsPerDay)));
  }
  out[at + 10] = user.events === 0 ? week : 0;
  out[at + 11] = user.events > 0 && user.daysSinceLast > 30 ? week : 0;
}

/** Purchases of the last 28 days by segment, and their sum at the end. */
function totalsBySegment(stats: ItemStatistics): Float64Array {
  const itemCount = stats.count7.length;
  const count = stats.segment28.length / Math.max(1, itemCount);
  const totals = new Float64Array(count + 1);
  for (let segment = 0; segment < count; segment++) {
    for (let i = segment * itemCount; i < (segment + 1) * itemCount; i++) totals[segment]! += stats.segment28[i]!;
    totals[count]! += totals[segment]!;
  }
  return totals;
}

/**
 * The table of one release. `stats` and `catalog` must be of one instant, and no event of `UserState` may be later than
 * the `nowSeconds` given to `compute`: then no feature reads the future.
 */
export function createFeatureTable(catalog: Catalog, stats: ItemStatistics, sources: readonly string[]): FeatureTable {
  const columns = affinityColumns(catalog);
  const names = featureNames(sources, columns);
  const totals = totalsBySegment(stats);
  const logs = itemLogs(catalog, stats);
  const userItemAt = sources.length * sourceFeatures.length;
  const affinityAt = userItemAt + userItemFeatures.length;
  const itemAt = affinityAt + columns.length;
  return {
    names,
    hash: featureHash(names),
    compute: (user, candidates, answered, nowSeconds, positions = Int32Array.from(candidates.keys())) => {
      const width = names.length;
      const out = new Float32Array(positions.length * width);
      for (const column of answered) {
        const at = sources.indexOf(column.source);
        if (at >= 0) fillSource(out, width, at * sourceFeatures.length, column, positions);
      }
      for (let i = 0; i < positions.length; i++) {
        const row = i * width;
        const item = candidates[positions[i]!]!;
        fillUserItem(out, row + userItemAt, user, item, catalog, logs);
        for (let c = 0; c < columns.length; c++) out[row + affinityAt + c] = user.affinities[c]!.get(columns[c]!.codes[item]!) ?? 0;
        fillItem(out, row + itemAt, user, item, stats, logs, totals, nowSeconds);
      }
      return out;
    },
  };
}
