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
  /** Purchases of the 28 days before the last 28, [items]. */
  readonly countBefore28: Float32Array;
  /** Users who bought it, and those of them who bought it on more than one day, [items]. */
  readonly buyers: Float32Array;
  readonly rebuyers: Float32Array;
  /** Purchases of the last 28 days by users who had bought it on a day before, [items]. */
  readonly rebought28: Float32Array;
  /** Days from one purchase to the same user's next, on average; of few it is drawn to the shop's average, [items]. */
  readonly rebuyDays: Float32Array;
  /** Purchases of the last 28 days by segment, [segments x items], segment major. */
  readonly segment28: Float32Array;
  /** Seconds since 1970 UTC, 0 when never sold before the instant, [items]. */
  readonly firstSale: Uint32Array;
  readonly lastSale: Uint32Array;
  /** Price of the last sale before the instant, 0 when none, [items]. */
  readonly lastPrice: Float32Array;
}

/** Purchases whose days apart a rarely rebought item is given. */
const rebuyPrior = 5;
/** Days that a shop without any second purchase is taken to have between two. */
const rebuyDaysUnknown = 60;

/** Follows users one after the other, each in the order of time. */
class RebuyCounter {
  readonly buyers: Float32Array;
  readonly rebuyers: Float32Array;
  readonly rebought28: Float32Array;
  readonly #gaps: Float64Array;
  readonly #gapCount: Float64Array;
  /** Of the user at hand, who is 1 + user here: when the item was last bought, and whether on more than one day. */
  readonly #user: Int32Array;
  readonly #last: Float64Array;
  readonly #again: Uint8Array;

  constructor(items: number) {
    this.buyers = new Float32Array(items);
    this.rebuyers = new Float32Array(items);
    this.rebought28 = new Float32Array(items);
    this.#gaps = new Float64Array(items);
    this.#gapCount = new Float64Array(items);
    this.#user = new Int32Array(items);
    this.#last = new Float64Array(items);
    this.#again = new Uint8Array(items);
  }

  add(user: number, item: number, time: number, recent: boolean): void {
    if (this.#user[item] !== user + 1) {
      this.#user[item] = user + 1;
      this.#again[item] = 0;
      this.buyers[item]!++;
    } else {
      const days = Math.floor(time / secondsPerDay) - Math.floor(this.#last[item]! / secondsPerDay);
      if (days === 0) return;
      this.#gaps[item]! += days;
      this.#gapCount[item]!++;
      if (this.#again[item] === 0) this.rebuyers[item]!++;
      this.#again[item] = 1;
      if (recent) this.rebought28[item]!++;
    }
    this.#last[item] = time;
  }

  rebuyDays(): Float32Array {
    const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
    const count = sum(this.#gapCount);
    const average = count === 0 ? rebuyDaysUnknown : sum(this.#gaps) / count;
    return Float32Array.from(this.#gaps, (days, item) => (days + rebuyPrior * average) / (this.#gapCount[item]! + rebuyPrior));
  }
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
  const perItem = () => new Float32Array(itemCount);
  const [count1, count7, countBefore7, count28, countBefore28, lastPrice] = [
    perItem(),
    perItem(),
    perItem(),
    perItem(),
    perItem(),
    perItem(),
  ];
  const [firstSale, lastSale] = [new Uint32Array(itemCount), new Uint32Array(itemCount)];
  const segment28 = new Float32Array(segmentNames.length * itemCount);
  const rebuys = new RebuyCounter(itemCount);
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
      rebuys.add(user, item, time, days <= 28);
      if (days > 56) continue;
      if (days > 28) {
        countBefore28[item]!++;
        continue;
      }
      count28[item]!++;
      segment28[row + item]!++;
      if (days <= 1) count1[item]!++;
      if (days <= 7) count7[item]!++;
      else if (days <= 14) countBefore7[item]!++;
    }
  }
  const { buyers, rebuyers, rebought28 } = rebuys;
  const counts = { count1, count7, countBefore7, count28, countBefore28, buyers, rebuyers, rebought28, rebuyDays: rebuys.rebuyDays() };
  return { nowSeconds, ...counts, segment28, firstSale, lastSale, lastPrice };
}

/** The catalogue as it stood at the statistics' instant: no sale, price or "still sold" from the future. */
export function catalogAsOf(catalog: Catalog, statistics: ItemStatistics): Catalog {
  return { ...catalog, prices: statistics.lastPrice, firstSaleSeconds: statistics.firstSale, lastSaleSeconds: statistics.lastSale };
}
