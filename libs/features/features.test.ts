import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { secondsPerDay } from "#libs/core/clock.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { historyBefore } from "#libs/data/splits.ts";
import { eventCode } from "#libs/events/event.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { createFeatureTable, type SourceColumn } from "./features.ts";
import { catalogAsOf, countItems } from "./item-statistics.ts";
import { affinityColumns, createUserState } from "./user-state.ts";

const shop = createFixtureShop();
const { catalog, users } = shop;
const candidates = Int32Array.from({ length: 60 }, (_, i) => i * 3);
const sources: SourceColumn[] = [
  { source: "itemcf", scores: Array.from(candidates, (_, i) => Math.sin(i)), ranks: Array.from(candidates, (_, i) => (i % 4 ? i + 1 : 0)) },
];

/** Features of one user's candidates at an instant, from whatever is known of the shop. */
function featuresAt(
  interactions: Interactions,
  user: number,
  nowSeconds: number,
  positions?: Int32Array,
): { names: readonly string[]; rows: Float32Array } {
  const statistics = countItems(interactions, users, nowSeconds);
  const past = catalogAsOf(catalog, statistics);
  const table = createFeatureTable(past, statistics, ["itemcf", "content"]);
  const { start, end } = historyBefore(interactions, user, nowSeconds);
  const { items, times, types } = interactions;
  const events = { items: items.slice(start, end), times: times.slice(start, end), types: types.slice(start, end) };
  const state = createUserState(past, affinityColumns(past), events, "31", nowSeconds);
  return { names: table.names, rows: table.compute(state, candidates, sources, nowSeconds, positions) };
}

interface Planted {
  readonly user: number;
  readonly item: number;
  readonly time: number;
  readonly type: number;
}

/** The interactions with more events, in the order that a data set keeps. */
function plant(before: Interactions, planted: readonly Planted[]): Interactions {
  const rows: Planted[] = [...planted];
  for (let user = 0; user < before.userCount; user++) {
    for (let at = before.offsets[user]!; at < before.offsets[user + 1]!; at++) {
      rows.push({ user, item: before.items[at]!, time: before.times[at]!, type: before.types[at]! });
    }
  }
  rows.sort((a, b) => a.user - b.user || a.time - b.time);
  const offsets = new Int32Array(before.userCount + 1);
  for (const { user } of rows) offsets[user + 1]!++;
  for (let user = 0; user < before.userCount; user++) offsets[user + 1]! += offsets[user]!;
  return {
    ...before,
    offsets,
    items: Int32Array.from(rows, ({ item }) => item),
    times: Uint32Array.from(rows, ({ time }) => time),
    types: Uint8Array.from(rows, ({ type }) => type),
    values: new Float32Array(rows.length).fill(999),
  };
}

describe("features of an example at T", () => {
  const instant = shop.nowSeconds - 20 * secondsPerDay;

  it("do not change when events at or after T are planted, by anybody on anything", () => {
    const future = fc.record({
      user: fc.nat(shop.users.userCount - 1),
      item: fc.nat(catalog.itemCount - 1),
      time: fc.nat(30 * secondsPerDay).map((later) => instant + later),
      type: fc.constantFrom(...Object.values(eventCode)),
    });
    fc.assert(
      fc.property(fc.array(future, { minLength: 1, maxLength: 30 }), fc.nat(shop.users.userCount - 1), (planted, user) => {
        // One event always hits the user and a candidate at T itself: the narrowest case.
        const worst = { user, item: candidates[0]!, time: instant, type: eventCode.purchase };
        const before = featuresAt(withoutPrices(shop.interactions), user, instant);
        const after = featuresAt(withoutPrices(plant(shop.interactions, [...planted, worst])), user, instant);
        expect(after.rows).toEqual(before.rows);
      }),
      { numRuns: 25 },
    );
  });

  it("do change with the same event one second before T", () => {
    const user = 3;
    const planted = [{ user, item: candidates[0]!, time: instant - 1, type: eventCode.purchase }];
    expect(featuresAt(plant(shop.interactions, planted), user, instant).rows).not.toEqual(
      featuresAt(shop.interactions, user, instant).rows,
    );
  });

  it("are finite", () => {
    for (const at of [shop.nowSeconds, instant, shop.interactions.times[0]!]) {
      expect(featuresAt(shop.interactions, 5, at).rows.every(Number.isFinite)).toBe(true);
    }
  });

  it("of a sample of the candidates are those of all of them at these places", () => {
    const all = featuresAt(shop.interactions, 8, instant);
    const positions = Int32Array.of(2, 17, 40);
    const some = featuresAt(shop.interactions, 8, instant, positions);
    const width = all.names.length;
    positions.forEach((position, row) => {
      expect(some.rows.slice(row * width, (row + 1) * width)).toEqual(all.rows.slice(position * width, (position + 1) * width));
    });
  });
});

/** Planted events carry a price of their own; the fixture's are all the same. */
const withoutPrices = (interactions: Interactions): Interactions => ({
  ...interactions,
  values: new Float32Array(interactions.items.length),
});

describe("the feature table", () => {
  const statistics = countItems(shop.interactions, users, shop.nowSeconds);

  it("changes its hash with its sources, so that a ranker of another table is refused", () => {
    const of = (names: string[]): string => createFeatureTable(catalog, statistics, names).hash;
    expect(of(["a", "b"])).toBe(of(["a", "b"]));
    expect(new Set([of(["a", "b"]), of(["b", "a"]), of(["a"])]).size).toBe(3);
  });

  it("leaves the columns of a missing source at 0", () => {
    const table = createFeatureTable(catalog, statistics, ["itemcf", "content"]);
    const none = { items: new Int32Array(0), times: [], types: [] };
    const state = createUserState(catalog, affinityColumns(catalog), none, undefined, shop.nowSeconds);
    const rows = table.compute(state, candidates, sources, shop.nowSeconds);
    table.names.forEach((name, column) => {
      if (name.startsWith("content."))
        for (let row = 0; row < candidates.length; row++) expect(rows[row * table.names.length + column]).toBe(0);
    });
    expect(rows[table.names.indexOf("itemcf.present") + table.names.length]).toBe(1);
  });

  it("counts a week's purchases by hand", () => {
    const item = shop.interactions.items[0]!;
    let week = 0;
    shop.interactions.items.forEach((sold, at) => {
      if (sold === item && shop.interactions.times[at]! >= shop.nowSeconds - 7 * secondsPerDay) week++;
    });
    expect(statistics.count7[item]).toBe(week);
  });
});
