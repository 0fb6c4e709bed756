import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashString, mixBits } from "#libs/core/random.ts";
import { eventCode } from "#libs/events/event.ts";
import { catalogAsOf, countItems } from "#libs/features/item-statistics.ts";
import type { RankQuery } from "#libs/serve/ranker.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { createFeatureMaker, userOf } from "../feature-maker.ts";
import { categoriesOf, crossCount, embeddedColumns, positionsTo, standardise, startsOf } from "./inputs.ts";

const shop = createFixtureShop();
const statistics = countItems(shop.interactions, shop.users, shop.nowSeconds);
const catalog = catalogAsOf(shop.catalog, statistics);
const maker = createFeatureMaker(catalog, statistics, ["itemcf"]);
const embedded = embeddedColumns(maker);

/** The definition, word by word: bucket of two codes of one kind; -1 where there is no first code. */
function crossesOf({ events, attributes }: RankQuery, segment: number, item: number, buckets: number): number[] {
  const bucketOf = (kind: number, a: number, b: number): number => mixBits(mixBits(mixBits(kind) ^ a) ^ b) % buckets;
  const latest = [...new Set(Array.from(events.items).reverse())].slice(0, 3);
  const { codes } = catalog.category;
  const own = codes[item]!;
  const pairs = [0, 1, 2].flatMap((k) => {
    const last = latest[k];
    return last === undefined ? [-1, -1] : [bucketOf(2 * k, last, item), bucketOf(2 * k + 1, codes[last]!, own)];
  });
  const named = [...attributes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => hashString(`${name}\u0000${value}`));
  const bought = Array.from(events.items).includes(item) ? 1 : 0;
  return [
    ...pairs,
    ...[0, 1, 2].map((a) => (named[a] === undefined ? -1 : bucketOf(6, named[a], own))),
    bucketOf(7, segment, item),
    bucketOf(8, bought, own),
    bucketOf(9, item, 0),
  ];
}

describe("inputs of Wide & Deep", () => {
  it("hash crosses as they were hashed when releases were trained", () => {
    const item = fc.nat(catalog.itemCount - 1);
    const attributes = fc.dictionary(fc.constantFrom("age", "club", "news", "zone"), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 6 }),
        fc.array(item, { minLength: 1, maxLength: 5 }),
        attributes,
        (bought, candidates, known) => {
          const query: RankQuery = {
            candidates: Int32Array.from(new Set(candidates)),
            sources: [],
            events: {
              items: Int32Array.from(bought),
              times: bought.map((_, i) => shop.nowSeconds - 100 + i),
              types: bought.map(() => eventCode.purchase),
            },
            attributes: new Map(Object.entries(known)),
            nowSeconds: shop.nowSeconds,
          };
          const user = userOf(maker, query);
          for (const buckets of [1 << 18, 1000]) {
            const positions = positionsTo(query.candidates.length);
            const { crosses } = categoriesOf({ ...maker, embedded, starts: startsOf(embedded), buckets }, user, query, positions);
            positions.forEach((position) => {
              const found = [...crosses.subarray(position * crossCount, (position + 1) * crossCount)];
              expect(found).toEqual(crossesOf(query, user.segment, query.candidates[position]!, buckets));
            });
          }
        },
      ),
    );
  });

  it("are standardised and cut at eight deviations, in place", () => {
    const scaling = { mean: Float32Array.of(1, 0), scale: Float32Array.of(2, 0) };
    const rows = Float32Array.of(2, 5, 100, 5, -100, 5);
    expect(standardise(rows, scaling)).toBe(rows);
    expect([...rows]).toEqual([2, 0, 8, 0, -8, 0]);
  });
});
