import { describe, expect, it } from "vitest";
import { eventCode } from "#libs/events/event.ts";
import { dayKey } from "#libs/features/day-counts.ts";
import { catalogAsOf, countItems } from "#libs/features/item-statistics.ts";
import { createLiveView } from "#libs/features/live-counts.ts";
import type { RankQuery } from "#libs/serve/ranker.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { twinOf, withNewItems } from "#libs/testing/new-items.ts";
import { createFeatureMaker, extendMaker, type FeatureMaker, featuresOf, followLive, userOf } from "./feature-maker.ts";
import { categoriesOf, crossCount, embeddedColumns, positionsTo, startsOf } from "./wide-deep/inputs.ts";

const shop = createFixtureShop();
const statistics = countItems(shop.interactions, shop.users, shop.nowSeconds);
const catalog = { ...catalogAsOf(shop.catalog, statistics), prices: shop.catalog.prices };
const maker = createFeatureMaker(catalog, statistics, ["content"]);
/** Never sold; the new item is the same but for its id and its product. */
const cold = catalog.itemCount - 1;
const fresh = catalog.itemCount;
const extended = withNewItems(catalog, [
  twinOf(catalog, cold, { itemId: "new" }),
  { ...twinOf(catalog, 3, { itemId: "odd" }), category: "hats", price: 0, attributes: { colour: "" } },
]);

const query: RankQuery = {
  candidates: Int32Array.of(cold, fresh, fresh + 1, 3),
  sources: [{ source: "content", scores: [0.5, 0.5, 0.25, 0.1], ranks: [1, 1, 2, 3] }],
  events: { items: Int32Array.of(4, fresh + 1, 9), times: [1, 2, 3].map((i) => shop.nowSeconds - 1000 + i), types: [3, 3, 1] },
  attributes: new Map([["age", "31"]]),
  nowSeconds: shop.nowSeconds,
};
const bought: RankQuery = { ...query, events: { ...query.events, items: Int32Array.of(4, 9, 14) } };

function rowsOf(of: FeatureMaker, asked: RankQuery): number[][] {
  const { names, values } = featuresOf(of, asked, positionsTo(asked.candidates.length));
  return Array.from(asked.candidates, (_, row) => [...values.subarray(row * names.length, (row + 1) * names.length)]);
}

async function followed(): Promise<FeatureMaker> {
  const today = Math.floor(shop.nowSeconds / 86_400);
  const live = {
    keys: Uint32Array.of(dayKey(today, eventCode.purchase, 0)),
    counts: Uint32Array.of(5),
    firstSaleSeconds: shop.nowSeconds + 1,
    lastSaleSeconds: shop.nowSeconds + 1,
    lastPrice: 99,
  };
  const added = Array.from({ length: catalog.itemCount }, (_, item) => (item === 3 || item === 4 ? live : undefined));
  const release = { itemCount: catalog.itemCount, endSeconds: shop.nowSeconds, recent: null };
  return followLive(maker, createLiveView(release, added, shop.nowSeconds + 2)!, createPace(new AbortController().signal));
}

describe("items that came after the release", () => {
  it("have the features of an item with the same attributes that was never sold", () => {
    const [own, twin, odd] = rowsOf(extendMaker(maker, extended), bought);
    expect(twin).toEqual(own);
    expect(odd!.every(Number.isFinite)).toBe(true);
    expect(rowsOf(extendMaker(maker, extended), query).flat().every(Number.isFinite)).toBe(true);
  });

  it("change no feature of the release's items, live or not", async () => {
    for (const of of [maker, await followed()]) {
      const known = { ...bought, candidates: Int32Array.of(cold, 3, 4), sources: [] };
      expect(rowsOf(extendMaker(of, extended), known)).toEqual(rowsOf(of, known));
    }
  });

  it("leave live prices, unless the shop says another", async () => {
    const live = await followed();
    const priceOf = (of: FeatureMaker, item: number): number =>
      rowsOf(of, { ...bought, candidates: Int32Array.of(item), sources: [] })[0]![of.table.names.indexOf("log_price")]!;
    const said = withNewItems(catalog, [{ ...twinOf(catalog, 3, { itemId: catalog.ids[3]! }), price: 7 }]);
    const state = extendMaker(live, said);
    expect([priceOf(state, 3), priceOf(state, 4)]).toEqual([Math.fround(Math.log1p(7)), Math.fround(Math.log1p(99))]);
    expect(priceOf(live, 3)).toBe(Math.fround(Math.log1p(99)));
  });

  it("share no cross of Wide & Deep with what was learned of others, and no code behind the table", () => {
    const own = extendMaker(maker, extended);
    const embedded = embeddedColumns(maker);
    const starts = startsOf(embedded);
    const positions = positionsTo(query.candidates.length);
    const { categories, crosses } = categoriesOf({ ...own, embedded, starts, buckets: 1000 }, userOf(own, query), query, positions);
    const crossesAt = (row: number): number[] => [...crosses.subarray(row * crossCount, (row + 1) * crossCount)];
    // Kinds: pairs with the latest items (9, the new one, 4), attributes, segment x item, bought x category, the item alone.
    const items = [0, 2, 4, 9, 11];
    expect(items.map((at) => crossesAt(1)[at])).toEqual([-1, -1, -1, -1, -1]);
    expect(items.map((at) => crossesAt(0)[at]! >= 0)).toEqual([true, false, true, true, true]);
    // Categories are known of the twin, as of its model.
    expect(crossesAt(1).filter((_, at) => !items.includes(at))).toEqual(crossesAt(0).filter((_, at) => !items.includes(at)));
    const rows = (row: number): number[] => [...categories.subarray(row * embedded.length, (row + 1) * embedded.length)];
    expect(rows(1)).toEqual(rows(0));
    // A category that the release does not have is the unknown one.
    expect(rows(2)[0]).toBe(starts[0]! + embedded[0]!.size);
  });
});
