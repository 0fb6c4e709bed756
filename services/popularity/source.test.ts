import { describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { dayKey } from "#libs/features/day-counts.ts";
import { createLiveView } from "#libs/features/live-counts.ts";
import { segmentOfAge } from "#libs/features/segment.ts";
import { countPopularity, popularitySpec, trendScores } from "#libs/models/popularity/popularity.ts";
import { readSettings } from "#libs/models/settings.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { createMemoryPart } from "#libs/testing/memory-part.ts";
import { twinOf, withNewItems } from "#libs/testing/new-items.ts";
import { allowOnly, fixtureFitContext, fixtureQuery, sourceContract } from "#libs/testing/source-contract.ts";
import { popularity } from "./source.ts";

// The fixture's clusters go with age, which the segment lists see.
sourceContract("popularity", popularity, { recallMin: 0.2, answersStrangers: true, fillsFilter: true });

const day = 86_400;
const now = 100 * day;

/** One user a row: [item, days ago, event code]. */
function events(rows: readonly (readonly [number, number, number])[], itemCount: number): Interactions {
  return {
    userCount: rows.length,
    itemCount,
    offsets: Int32Array.from({ length: rows.length + 1 }, (_, u) => u),
    items: Int32Array.from(rows, ([item]) => item),
    times: Uint32Array.from(rows, ([, age]) => now - age * day),
    types: Uint8Array.from(rows, ([, , type]) => type),
    values: new Float32Array(rows.length),
  };
}

describe("popularity counts", () => {
  const settings = readSettings(popularitySpec, { halfLifeDays: 4, viewWeight: 0.25, trendPrior: 1 });
  const count = (interactions: Interactions, segments = new Uint8Array(interactions.userCount)) =>
    countPopularity(interactions, segments, now, settings, createPace(new AbortController().signal), noProgress);

  it("halves a purchase every half-life, weighs views less and dislikes not at all", async () => {
    // Item 0: purchases 0.5 and 4.5 days old; item 1: a view and a dislike half a day old.
    const counts = await count(
      events(
        [
          [0, 0.5, 3],
          [0, 4.5, 3],
          [1, 0.5, 1],
          [1, 0.5, 5],
        ],
        2,
      ),
    );
    const fresh = 2 ** (-0.5 / 4);
    expect(counts.decayed[0]).toBeCloseTo(fresh * 1.5, 6);
    expect(counts.decayed[1]).toBeCloseTo(fresh * 0.25, 6);
    expect([...counts.windows]).toEqual([1, 0.25, 2, 0.25, 2, 0.25]);
  });

  it("keeps segments apart", async () => {
    const counts = await count(
      events(
        [
          [0, 0, 3],
          [1, 0, 3],
        ],
        2,
      ),
      Uint8Array.of(0, 7),
    );
    expect([...counts.decayedBySegment].map((value, at) => (value > 0 ? at : -1)).filter((at) => at >= 0)).toEqual([0, 15]);
  });

  it("counts windows from the end of old data", async () => {
    const counts = await count(
      events(
        [
          [0, 50, 3],
          [0, 56, 3],
          [0, 58, 3],
        ],
        1,
      ),
    );
    expect([...counts.windows]).toEqual([1, 2, 3]);
    expect([...counts.previous]).toEqual([0, 1, 0]);
  });

  it("sets a week against the week before, and knows no trend in the first week", async () => {
    // Item 0: 3 this week, 1 before: (3 + 1) / (1 + 1). Item 1 falls.
    const counts = await count(
      events(
        [
          [0, 1, 3],
          [0, 2, 3],
          [0, 3, 3],
          [0, 8, 3],
          [1, 0, 3],
          [1, 9, 3],
          [1, 10, 3],
        ],
        2,
      ),
    );
    expect([...trendScores(counts, 1)]).toEqual([2, 0]);
    expect([...trendScores(await count(events([[0, 1, 3]], 1)), 1)]).toEqual([0]);
  });

  it("puts ages into brackets", () => {
    expect(["19", "20", "24", "25", "39", "40", "59", "60", "", "x", undefined].map(segmentOfAge)).toEqual([
      1, 2, 2, 3, 4, 5, 6, 7, 0, 0, 0,
    ]);
  });
});

describe("popularity lists", () => {
  it("keeps places for the user's categories, says why, and names unsold items only behind a filter", async () => {
    const shop = createFixtureShop();
    const part = createMemoryPart("popularity");
    await popularity.fit(fixtureFitContext(shop, part));
    const artifact = await popularity.load({ part: part.reader(), catalog: shop.catalog });
    const { items, reasons, because } = popularity.retrieve(artifact, fixtureQuery(shop, 2));
    const byCategory = [...items.keys()].filter((c) => popularity.reasons[reasons[c]!] === "popular_category");
    expect(byCategory.length).toBe(6);
    for (const c of byCategory) expect(because[c]! % 5).toBe(items[c]! % 5);

    const unsold = popularity.retrieve(artifact, fixtureQuery(shop, -1, { allowed: allowOnly(200, [198, 199]) }));
    expect([...unsold.items]).toEqual([198, 199]);
    expect([...unsold.reasons].map((code) => popularity.reasons[code])).toEqual(["unsold", "unsold"]);
    expect(popularity.retrieve(artifact, fixtureQuery(shop, -1, { limit: 200 })).items.includes(199)).toBe(false);
  });
});

describe("popularity that follows the live counters", () => {
  it("names what sells live first, to its segment above all, and leaves the artifact before as it was", async () => {
    const shop = createFixtureShop();
    const part = createMemoryPart("popularity");
    await popularity.fit(fixtureFitContext(shop, part));
    const loaded = await popularity.load({ part: part.reader(), catalog: shop.catalog });
    const { itemCount } = shop.catalog;
    // The coldest item, which no list holds, sells to people of 60 and more.
    const item = itemCount - 1;
    const today = Math.ceil(shop.nowSeconds / day);
    const sold = {
      keys: Uint32Array.of(dayKey(today, 3, 7)),
      counts: Uint32Array.of(50),
      firstSaleSeconds: 1,
      lastSaleSeconds: 1,
      lastPrice: 0,
    };
    const added = Array.from({ length: itemCount }, (_, i) => (i === item ? sold : undefined));
    const view = createLiveView({ itemCount, endSeconds: shop.nowSeconds, recent: null }, added, today * day)!;
    const of = (artifact: typeof loaded, age: string) =>
      popularity.retrieve(artifact, fixtureQuery(shop, -1, { attributes: new Map([["age", age]]) }));
    const before = of(loaded, "67");
    const followed = await popularity.follow!(loaded, view, createPace(new AbortController().signal));
    const [old, young] = [of(followed, "67"), of(followed, "18")];
    expect(popularity.reasons[old.reasons[old.items.indexOf(item)]!]).toBe("trending");
    expect(old.scores[old.items.indexOf(item)]).toBeGreaterThan(young.scores[young.items.indexOf(item)]!);
    expect(before.items.includes(item)).toBe(false);
    expect(of(loaded, "67")).toEqual(before);
  });
});

describe("popularity of items that came after the release", () => {
  const shop = createFixtureShop();
  const { productGroup, itemCount } = shop.catalog;
  const load = async () => {
    const part = createMemoryPart("popularity");
    await popularity.fit(fixtureFitContext(shop, part));
    const artifact = await popularity.load({ part: part.reader(), catalog: shop.catalog });
    part.dispose();
    return artifact;
  };
  const groupOf = (item: number): string => productGroup.values[productGroup.codes[item]!]!;

  it("is the mean of what their product has, in its place among the others; without any they are named where a filter leaves too little else", async () => {
    const artifact = await load();
    const all = popularity.retrieve(artifact, fixtureQuery(shop, -1, { limit: 300 }));
    const top = all.items[0]!;
    const scoreOf = new Map(Array.from(all.items, (item, i) => [item, all.scores[i]!]));
    const kin = [...shop.catalog.ids.keys()].filter((item) => productGroup.codes[item] === productGroup.codes[top]);
    const catalog = withNewItems(shop.catalog, [
      twinOf(shop.catalog, top, { itemId: "kin", productGroup: groupOf(top) }),
      twinOf(shop.catalog, top, { itemId: "alone" }),
    ]);
    const extended = popularity.extend!(artifact, catalog);
    const found = popularity.retrieve(extended, fixtureQuery(shop, -1, { limit: 300 }));
    const at = [...found.items].indexOf(itemCount);
    // Trends and categories move other items' scores, not these.
    const { counts, total } = artifact;
    const mean = kin.reduce((sum, item) => sum + counts.decayed[item]!, 0) / kin.length / total;
    expect(found.scores[at]).toBeCloseTo(mean, 6);
    expect(popularity.reasons[found.reasons[at]!]).toBe("popular_product");
    expect([...found.items]).not.toContain(itemCount + 1);
    expect([...found.items].filter((item) => item < itemCount)).toEqual([...all.items]);
    for (const [i, item] of found.items.entries()) if (item < itemCount) expect(found.scores[i]).toBe(scoreOf.get(item));
    const few = popularity.retrieve(
      extended,
      fixtureQuery(shop, -1, { allowed: allowOnly(itemCount + 2, [top, itemCount, itemCount + 1]) }),
    );
    expect([...few.items].sort((a, b) => a - b)).toEqual([top, itemCount, itemCount + 1]);
    expect(popularity.reasons[few.reasons[2]!]).toBe("unsold");
  });

  it("reads histories on them, also in categories that the release does not have", async () => {
    const artifact = await load();
    const said = { ...twinOf(shop.catalog, 3, { itemId: "new" }), category: "hats" };
    const extended = popularity.extend!(artifact, withNewItems(shop.catalog, [said]));
    const own = { items: Int32Array.of(3), times: Float64Array.of(shop.nowSeconds - 5), types: Uint8Array.of(3) };
    const both = {
      items: Int32Array.of(3, itemCount),
      times: Float64Array.of(shop.nowSeconds - 5, shop.nowSeconds - 4),
      types: Uint8Array.of(3, 3),
    };
    expect(popularity.retrieve(extended, fixtureQuery(shop, -1, both))).toEqual(popularity.retrieve(artifact, fixtureQuery(shop, -1, own)));
  });
});
