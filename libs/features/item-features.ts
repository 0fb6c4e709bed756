/** Features of an item alone, and of its standing with the user's segment. */

import type { Catalog } from "#libs/catalog/catalog.ts";
import { secondsPerDay } from "#libs/core/clock.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import type { ItemStatistics } from "./item-statistics.ts";
import type { UserState } from "./user-state.ts";

/** What depends on neither user nor instant, computed once a release: logarithms are most of the work of a row. */
const stillNames = [
  "log_count_1",
  "log_count_7",
  "log_count_28",
  "trend",
  "trend_28",
  "log_buyers",
  "rebuy_rate",
  "rebought_share_28",
  "log_rebuy_days",
  "log_price",
] as const;

/** By segment, by how new the item is, and for users who are strangers or long away. */
const movingNames = [
  "segment_lift",
  "segment_log_count",
  "age_14",
  "age_90",
  "idle_days",
  "never_sold",
  "stranger_log_count_7",
  "sleeper_log_count_7",
] as const;

export const itemFeatures = [...stillNames, ...movingNames] as const;

/** Of the item features those that say when an item sold or for how much, not how often. */
const countless: ReadonlySet<string> = new Set<(typeof itemFeatures)[number]>(["age_14", "age_90", "idle_days", "never_sold", "log_price"]);
/** Features that counts of sales make. */
export const counterFeatures: ReadonlySet<string> = new Set(itemFeatures.filter((name) => !countless.has(name)));

/** Purchases, or buyers, of the shop's average that a rarely bought item is given. */
const prior = 5;

function ratioPrior(parts: Float32Array, wholes: Float32Array): (item: number) => number {
  const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0);
  const all = sum(wholes);
  const average = all === 0 ? 0 : sum(parts) / all;
  return (item) => ((parts[item] ?? 0) + prior * average) / ((wholes[item] ?? 0) + prior);
}

/** Columns that sales and prices make, which follow the live counters. */
function fillSales(matrix: Float32Array, item: number, { prices }: Pick<Catalog, "prices">, stats: ItemStatistics): void {
  const { count1, count7, countBefore7, count28, countBefore28 } = stats;
  const at = item * stillNames.length;
  matrix[at] = Math.log1p(count1[item]!);
  matrix[at + 1] = Math.log1p(count7[item]!);
  matrix[at + 2] = Math.log1p(count28[item]!);
  matrix[at + 3] = Math.log((count7[item]! + 1) / (countBefore7[item]! + 1));
  matrix[at + 4] = Math.log((count28[item]! + 1) / (countBefore28[item]! + 1));
  matrix[at + 9] = Math.log1p(Math.max(0, prices[item]!));
}

/** Days between purchases of an item that nobody has bought again: the shop's average. */
export function usualRebuyDays({ rebuyers, rebuyDays }: ItemStatistics): number {
  const never = rebuyers.indexOf(0);
  if (never >= 0) return rebuyDays[never]!;
  return rebuyDays.length === 0 ? 0 : rebuyDays.reduce((sum, days) => sum + days, 0) / rebuyDays.length;
}

/** [items + 1, still features]; the last row is that of an item that nobody has bought, its price apart. */
export function stillMatrix(catalog: Catalog, stats: ItemStatistics): Float32Array {
  const { count28, buyers, rebuyers, rebought28, rebuyDays } = stats;
  const rebuyRate = ratioPrior(rebuyers, buyers);
  const reboughtShare = ratioPrior(rebought28, count28);
  const matrix = new Float32Array((count28.length + 1) * stillNames.length);
  for (let item = 0; item < count28.length; item++) {
    fillSales(matrix, item, catalog, stats);
    const at = item * stillNames.length;
    matrix[at + 5] = Math.log1p(buyers[item]!);
    matrix[at + 6] = rebuyRate(item);
    matrix[at + 7] = reboughtShare(item);
    matrix[at + 8] = Math.log1p(rebuyDays[item]!);
  }
  const unsold = count28.length * stillNames.length;
  matrix[unsold + 6] = rebuyRate(count28.length);
  matrix[unsold + 7] = reboughtShare(count28.length);
  matrix[unsold + 8] = Math.log1p(usualRebuyDays(stats));
  return matrix;
}

/** A copy of the matrix whose rows of `items` have the sales and prices of other statistics; what is bought again stays. O(items of the matrix). */
export async function withSales(
  matrix: Float32Array,
  items: Int32Array,
  catalog: Pick<Catalog, "prices">,
  stats: ItemStatistics,
  pace: Pace,
): Promise<Float32Array> {
  const copy = matrix.slice();
  for (let i = 0; i < items.length; i++) {
    fillSales(copy, items[i]!, catalog, stats);
    if (i % 256 === 0 && pace.due()) await pace.turn();
  }
  return copy;
}

/** Purchases of the last 28 days by segment, and their sum at the end. */
export function totalsBySegment({ count7, segment28 }: ItemStatistics): Float64Array {
  const itemCount = count7.length;
  const count = segment28.length / Math.max(1, itemCount);
  const totals = new Float64Array(count + 1);
  for (let segment = 0; segment < count; segment++) {
    for (let i = segment * itemCount; i < (segment + 1) * itemCount; i++) totals[segment]! += segment28[i]!;
    totals[count]! += totals[segment]!;
  }
  return totals;
}

/** Writes the item features of one row at `out[at...]`. */
export type FillItem = (out: Float32Array, at: number, user: UserState, item: number, nowSeconds: number) => void;

/** What `createItemFeatures` computes of all items before it fills a row. */
export interface PreparedItems {
  /** As `stillMatrix` answers it. */
  readonly still: Float32Array;
  /** As `totalsBySegment` answers it. */
  readonly totals: Float64Array;
}

export function prepareItems(catalog: Catalog, stats: ItemStatistics): PreparedItems {
  return { still: stillMatrix(catalog, stats), totals: totalsBySegment(stats) };
}

/** Items behind those of the statistics have never been sold. `prices`: of all, 0 where not known. */
export function createItemFeatures(stats: ItemStatistics, { still, totals }: PreparedItems, prices: Float32Array): FillItem {
  const width = stillNames.length;
  const weekly = stillNames.indexOf("log_count_7");
  const price = stillNames.indexOf("log_price");
  const { count28, segment28, firstSale, lastSale } = stats;
  const itemCount = count28.length;
  const total = totals[totals.length - 1]!;
  return (out, at, user, item, nowSeconds) => {
    const isCounted = item < itemCount;
    const row = (isCounted ? item : itemCount) * width;
    for (let c = 0; c < width; c++) out[at + c] = still[row + c]!;
    out[at + price] = Math.log1p(Math.max(0, prices[item]!));
    const week = still[row + weekly]!;
    const inSegment = isCounted ? segment28[user.segment * itemCount + item]! : 0;
    const expected = isCounted && total > 0 ? (count28[item]! * totals[user.segment]!) / total : 0;
    const to = at + width;
    out[to] = Math.log((inSegment + 5) / (expected + 5));
    out[to + 1] = Math.log1p(inSegment);
    const first = isCounted ? firstSale[item]! : 0;
    if (first === 0) {
      out[to + 5] = 1;
    } else {
      const age = Math.max(0, (nowSeconds - first) / secondsPerDay);
      out[to + 2] = Math.exp(-age / 14);
      out[to + 3] = Math.exp(-age / 90);
      out[to + 4] = Math.min(3, Math.log1p(Math.max(0, (nowSeconds - lastSale[item]!) / secondsPerDay)));
    }
    out[to + 6] = user.events === 0 ? week : 0;
    out[to + 7] = user.events > 0 && user.daysSinceLast > 30 ? week : 0;
  };
}
