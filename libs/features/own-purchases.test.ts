import { describe, expect, it } from "vitest";
import { secondsPerDay } from "#libs/core/clock.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { eventCode } from "#libs/events/event.ts";
import { countItems } from "./item-statistics.ts";
import { ownPurchases } from "./own-purchases.ts";

const now = 100 * secondsPerDay;
const noon = (day: number): number => (day + 0.5) * secondsPerDay;

/** [day, item] oldest first, with views between that count for nothing. */
const bought = (...rows: [number, number][]) => ({
  items: Int32Array.from(rows.flatMap(([, item]) => [item, 9])),
  times: rows.flatMap(([day]) => [noon(day), noon(day)]),
  types: rows.flatMap(() => [eventCode.purchase, eventCode.view]),
});

describe("a subject's own purchases", () => {
  it("are counted by item and basket, the latest basket first", () => {
    const own = ownPurchases(bought([10, 1], [30, 1], [30, 2], [30, 2], [90, 1]), now);
    expect(own).toMatchObject({ count: 5, baskets: 3, daysBetween: 40, rebought: 0.5 });
    expect(own.items.get(1)).toEqual({
      count: 3,
      baskets: 3,
      days: 9.5,
      firstDays: 89.5,
      lastBasket: 0,
      firstBasket: 2,
      weight80: 1 + 0.8 + 0.8 ** 2,
      weight50: 1.75,
    });
    expect(own.items.get(2)).toMatchObject({ count: 2, baskets: 1, days: 69.5, lastBasket: 1, firstBasket: 1, weight50: 0.5 });
    expect(own.items.has(9)).toBe(false);
  });

  it("of a stranger are none, and of one basket have no days between", () => {
    expect(ownPurchases(bought(), now)).toMatchObject({ count: 0, baskets: 0, daysBetween: 0, rebought: 0 });
    expect(ownPurchases(bought([50, 1]), now)).toMatchObject({ baskets: 1, daysBetween: 0, rebought: 0 });
  });
});

describe("counts of buying again", () => {
  const rows: [number, number, number][] = [
    [0, 10, 0],
    [0, 30, 0],
    [0, 90, 0],
    [0, 90, 1],
    [0, 90.2, 1],
    [1, 95, 0],
  ];
  const interactions: Interactions = {
    userCount: 2,
    itemCount: 3,
    offsets: Int32Array.of(0, 5, 6),
    items: Int32Array.from(rows, ([, , item]) => item),
    times: Uint32Array.from(rows, ([, day]) => noon(day)),
    types: new Uint8Array(rows.length).fill(eventCode.purchase),
    values: new Float32Array(rows.length),
  };
  const users = { ids: ["a", "b"], userCount: 2, attributes: [] };

  it("take users, not purchases, and another day, not another line", () => {
    const { buyers, rebuyers, rebought28, count28, countBefore28 } = countItems(interactions, users, now);
    expect([...buyers]).toEqual([2, 1, 0]);
    expect([...rebuyers]).toEqual([1, 0, 0]);
    expect([...rebought28]).toEqual([1, 0, 0]);
    expect([...count28]).toEqual([2, 2, 0]);
    expect([...countBefore28]).toEqual([0, 0, 0]);
  });

  it("draw the days between two purchases to the shop's average", () => {
    const { rebuyDays } = countItems(interactions, users, now);
    expect(rebuyDays[0]).toBeCloseTo((20 + 60 + 5 * 40) / 7, 5);
    expect(rebuyDays[2]).toBe(40);
  });
});
