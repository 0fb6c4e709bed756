/** What the ranker knows of a subject, computed from its events at read: the same function in training and in serving. */

import type { AttributeColumn, Catalog } from "#libs/catalog/catalog.ts";
import { secondsPerDay } from "#libs/core/clock.ts";
import { eventCode } from "#libs/events/event.ts";
import { type EventColumns, type OwnPurchases, ownPurchases } from "./own-purchases.ts";
import { segmentOfAge } from "./segment.ts";

export interface TouchCount {
  count: number;
  /** Days before the instant of the latest touch. */
  days: number;
}

export interface UserState {
  readonly events: number;
  /** Days since the last event; 365 when there is none. */
  readonly daysSinceLast: number;
  readonly segment: number;
  readonly own: OwnPurchases;
  readonly boughtGroups: ReadonlyMap<number, TouchCount>;
  /** Views and baskets, by item. */
  readonly looked: ReadonlyMap<number, TouchCount>;
  readonly liked: ReadonlySet<number>;
  readonly disliked: ReadonlySet<number>;
  /** For each of `affinityColumns`: decayed share of the events by attribute code; shares sum to 1. */
  readonly affinities: readonly ReadonlyMap<number, number>[];
  /** Mean natural logarithm of the prices of the items touched; NaN when none has a price. */
  readonly logPrice: number;
}

/** Days after which an event weighs half in the affinities. */
const affinityHalfLifeDays = 60;

/** Weight of one event by its code; removes and dislikes carry none. */
const eventWeights: readonly number[] = [0, 0.3, 0.7, 1, 1, 0, 0];

/** The columns whose affinity is a feature: the category and the first seven attributes that are not nearly constant or nearly unique. */
export function affinityColumns(catalog: Catalog): AttributeColumn[] {
  const useful = catalog.attributes.filter((column) => column.values.length >= 3 && column.values.length <= 2000);
  return [catalog.category, ...useful.slice(0, 7)];
}

function touch(map: Map<number, TouchCount>, key: number, days: number): void {
  const found = map.get(key);
  if (!found) map.set(key, { count: 1, days });
  else {
    found.count++;
    found.days = Math.min(found.days, days);
  }
}

function normalise(map: Map<number, number>): void {
  let sum = 0;
  for (const weight of map.values()) sum += weight;
  if (sum > 0) for (const [code, weight] of map) map.set(code, weight / sum);
}

/** O(events x columns). Events at or after `nowSeconds` are the caller's error and count as now. */
export function createUserState(
  catalog: Catalog,
  columns: readonly AttributeColumn[],
  events: EventColumns,
  age: string | undefined,
  nowSeconds: number,
): UserState {
  const boughtGroups = new Map<number, TouchCount>();
  const looked = new Map<number, TouchCount>();
  const liked = new Set<number>();
  const disliked = new Set<number>();
  const affinities = columns.map(() => new Map<number, number>());
  let logPrices = 0;
  let priced = 0;
  let daysSinceLast = 365;
  for (let at = 0; at < events.items.length; at++) {
    const item = events.items[at]!;
    const type = events.types[at]!;
    const days = Math.max(0, (nowSeconds - events.times[at]!) / secondsPerDay);
    daysSinceLast = Math.min(daysSinceLast, days);
    if (type === eventCode.purchase) touch(boughtGroups, catalog.productGroup.codes[item]!, days);
    else if (type === eventCode.view || type === eventCode.cart) touch(looked, item, days);
    else if (type === eventCode.like) {
      liked.add(item);
      disliked.delete(item);
    } else if (type === eventCode.dislike) {
      disliked.add(item);
      liked.delete(item);
    } else {
      liked.delete(item);
      disliked.delete(item);
    }
    const weight = eventWeights[type]! * 0.5 ** (days / affinityHalfLifeDays);
    if (weight > 0) {
      columns.forEach((column, c) => {
        const code = column.codes[item]!;
        if (code >= 0) affinities[c]!.set(code, (affinities[c]!.get(code) ?? 0) + weight);
      });
      const price = catalog.prices[item]!;
      if (price > 0) {
        logPrices += Math.log(price);
        priced++;
      }
    }
  }
  affinities.forEach(normalise);
  return {
    events: events.items.length,
    daysSinceLast,
    segment: segmentOfAge(age),
    own: ownPurchases(events, nowSeconds),
    boughtGroups,
    looked,
    liked,
    disliked,
    affinities,
    logPrice: priced > 0 ? logPrices / priced : Number.NaN,
  };
}
