/** Item statistics that follow the live counters. Buyers and what they buy again stay those of the release: counters know no users. */

import { eventCode } from "#libs/events/event.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { daysOfItem, type ItemDays, segmentOfKey, typeOfKey } from "./day-counts.ts";
import type { ItemStatistics } from "./item-statistics.ts";
import { isAged, type LiveView, visitDays } from "./live-counts.ts";

const windowNames = ["count1", "count7", "countBefore7", "count28", "countBefore28", "segment28"] as const;
type Windows = Pick<ItemStatistics, (typeof windowNames)[number]>;

/** Adds purchases of the buckets to the windows of the item. */
function addDays(windows: Windows, item: number, itemCount: number, days: ItemDays, today: number): void {
  const { count1, count7, countBefore7, count28, countBefore28, segment28 } = windows;
  visitDays(days, today, (key, age, count) => {
    if (typeOfKey(key) !== eventCode.purchase || age > 56) return;
    if (age > 28) {
      countBefore28[item]! += count;
      return;
    }
    count28[item]! += count;
    segment28[segmentOfKey(key) * itemCount + item]! += count;
    if (age <= 1) count1[item]! += count;
    if (age <= 7) count7[item]! += count;
    else if (age <= 14) countBefore7[item]! += count;
  });
}

async function copyWindows(stats: ItemStatistics, pace: Pace, copy: (values: Float32Array) => Float32Array): Promise<Windows> {
  const windows: Partial<Record<keyof Windows, Float32Array>> = {};
  for (const name of windowNames) {
    windows[name] = copy(stats[name]);
    if (pace.due()) await pace.turn();
  }
  return windows as Windows;
}

/** The release's own sales in the windows of the view's day; `released` itself where they are still its own. O(buckets of the release). */
export async function ageStatistics(released: ItemStatistics, view: LiveView, pace: Pace): Promise<ItemStatistics> {
  const { recent, today, itemCount } = view;
  if (recent === null || !isAged(view)) return released;
  const windows = await copyWindows(released, pace, (values) => new Float32Array(values.length));
  for (let item = 0; item < itemCount; item++) {
    addDays(windows, item, itemCount, daysOfItem(recent, item), today);
    if (item % 256 === 0 && pace.due()) await pace.turn();
  }
  return { ...released, ...windows };
}

export interface FollowedStatistics {
  readonly statistics: ItemStatistics;
  /** Prices of the catalogue with those of live sales, [items]. */
  readonly prices: Float32Array;
  /** Items that live counts were added to. */
  readonly changed: Int32Array;
}

/** `aged` as `ageStatistics` answers it for the view's day; neither it nor `prices` is changed. O(items + live buckets). */
export async function followStatistics(
  aged: ItemStatistics,
  prices: Float32Array,
  view: LiveView,
  pace: Pace,
): Promise<FollowedStatistics> {
  const { added, itemCount, today } = view;
  const windows = await copyWindows(aged, pace, (values) => values.slice());
  const statistics = {
    ...aged,
    ...windows,
    firstSale: aged.firstSale.slice(),
    lastSale: aged.lastSale.slice(),
    lastPrice: aged.lastPrice.slice(),
  };
  const own = prices.slice();
  const changed: number[] = [];
  for (let item = 0; item < itemCount; item++) {
    const live = added[item];
    if (live === undefined) continue;
    changed.push(item);
    addDays(windows, item, itemCount, live, today);
    if (live.lastSaleSeconds > 0) {
      if (statistics.firstSale[item] === 0) statistics.firstSale[item] = live.firstSaleSeconds;
      statistics.lastSale[item] = Math.max(live.lastSaleSeconds, statistics.lastSale[item]!);
      if (live.lastPrice > 0) own[item] = statistics.lastPrice[item] = live.lastPrice;
    }
    if (changed.length % 256 === 0 && pace.due()) await pace.turn();
  }
  return { statistics, prices: own, changed: Int32Array.from(changed) };
}
