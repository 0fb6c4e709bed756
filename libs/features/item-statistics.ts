/** What is counted of every item strictly before an instant. */

import type { Catalog, UserTable } from "#libs/catalog/catalog.ts";
import { secondsPerDay } from "#libs/core/clock.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { historyBefore } from "#libs/data/splits.ts";
import { type EventType, eventCode } from "#libs/events/event.ts";
import { segmentNames, userSegments } from "./segment.ts";

export interface ItemStatistics {
  /** The instant; nothing at or after it was counted. Seconds since 1970 UTC. */
  readonly nowSeconds: number;
  /** Purchases of the last 1, 7 and 28 days, and of the 7 days before the last 7, [items]. */
  readonly count1: Float32Array;
  readonly count7: Float32Array;
  readonly countBefore7: Float32Array;
  readonly count28: Float32Array;
  /** Purchases of the last 28 days by segment, [segments x items], segment major. */
  readonly segment28: Float32Array;
  /** Seconds since 1970 UTC, 0 when never sold before the instant, [items]. */
  readonly firstSale: Uint32Array;
  readonly lastSale: Uint32Array;
  /** Price of the last sale before the instant, 0 when none, [items]. */
  readonly lastPrice: Float32Array;
}

/** Counts what lies strictly before `nowSeconds`, whatever else `interactions` holds; `taken`: events that count as a sale. O(interactions). */
export function countItems(
  interactions: Interactions,
  users: UserTable,
  nowSeconds: number,
  taken: readonly EventType[] = ["purchase"],
): ItemStatistics {
  const counted = new Set<number>(taken.map((type) => eventCode[type]));
  const { itemCount, userCount, items, times, types, values } = interactions;
  const statistics: ItemStatistics = {
    nowSeconds,
    count1: new Float32Array(itemCount),
    count7: new Float32Array(itemCount),
    countBefore7: new Float32Array(itemCount),
    count28: new Float32Array(itemCount),
    segment28: new Float32Array(segmentNames.length * itemCount),
    firstSale: new Uint32Array(itemCount),
    lastSale: new Uint32Array(itemCount),
    lastPrice: new Float32Array(itemCount),
  };
  const { count1, count7, countBefore7, count28, segment28, firstSale, lastSale, lastPrice } = statistics;
  const segmentOf = userSegments(users);
  for (let user = 0; user < userCount; user++) {
    const row = segmentOf[user]! * itemCount;
    const { start, end } = historyBefore(interactions, user, nowSeconds);
    for (let at = start; at < end; at++) {
      if (!counted.has(types[at]!)) continue;
      const item = items[at]!;
      const time = times[at]!;
      if (firstSale[item] === 0 || time < firstSale[item]!) firstSale[item] = time;
      if (time >= lastSale[item]!) {
        lastSale[item] = time;
        if (values[at]! > 0) lastPrice[item] = values[at]!;
      }
      const days = (nowSeconds - time) / secondsPerDay;
      if (days > 28) continue;
      count28[item]!++;
      segment28[row + item]!++;
      if (days <= 1) count1[item]!++;
      if (days <= 7) count7[item]!++;
      else if (days <= 14) countBefore7[item]!++;
    }
  }
  return statistics;
}

/** The catalogue as it stood at the statistics' instant: no sale, price or "still sold" from the future. */
export function catalogAsOf(catalog: Catalog, statistics: ItemStatistics): Catalog {
  return { ...catalog, prices: statistics.lastPrice, firstSaleSeconds: statistics.firstSale, lastSaleSeconds: statistics.lastSale };
}
