import { describe, expect, it } from "vitest";
import { unsaid } from "#libs/catalog/item-word.ts";
import { attributeRows, joinBlocks, textRows, tokenize } from "#libs/models/content/features.ts";
import { type ContentArtifact, retrieveSimilar } from "#libs/models/content/retrieve.ts";
import { contentSpec } from "#libs/models/content/settings.ts";
import { activeItems } from "#libs/models/content/vectors.ts";
import { readSettings } from "#libs/models/settings.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { createVectorIndex } from "#libs/sparse/vector-index.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { createMemoryPart } from "#libs/testing/memory-part.ts";
import { twinOf, withNewItems } from "#libs/testing/new-items.ts";
import { allowOnly, fixtureFitContext, fixtureQuery, sourceContract } from "#libs/testing/source-contract.ts";
import { content } from "./source.ts";

// Content knows the cluster and nothing of what sells, so about 20 of a cluster's 40 items are a draw.
sourceContract("content", content, { recallMin: 0.3, answersStrangers: false, fillsFilter: true });

const shop = createFixtureShop();
const day = 86_400;

describe("content features", () => {
  it("splits text of any script into lower-case words", () => {
    expect(tokenize("T-shirt, LÄSSIG 100% 綿の")).toEqual(["shirt", "lässig", "100", "綿の"]);
  });

  it("drops words that all or too few items have, and weighs the rest by rarity", async () => {
    const settings = readSettings(contentSpec, { tokenShareMax: 0.8 });
    const text = await textRows(shop.catalog, settings, createPace(new AbortController().signal));
    // Item 0: "linen summer dress" twice in name and text, each in a fifth of the items; "of good quality" and "0" say nothing.
    const [from, to] = [text.offsets[0]!, text.offsets[1]!];
    expect(to - from).toBe(3);
    for (let e = from; e < to; e++) expect(text.values[e]).toBeCloseTo(1 / Math.sqrt(3), 5);
  });

  it("joins blocks so that cosines add by share", async () => {
    const settings = readSettings(contentSpec, { tokenShareMax: 0.8 });
    const text = await textRows(shop.catalog, settings, createPace(new AbortController().signal));
    const both = joinBlocks(await attributeRows(shop.catalog, createPace(new AbortController().signal)), text, 0.4);
    const row = both.values.subarray(both.offsets[7]!, both.offsets[8]!);
    expect(row.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
    const textPart = row.slice(-3).reduce((sum, value) => sum + value * value, 0);
    expect(textPart).toBeCloseTo(0.4, 5);
  });

  it("counts as on sale what sold lately or never before now", () => {
    const catalog = {
      ...shop.catalog,
      firstSaleSeconds: Uint32Array.of(0, 1, 1, 200 * day),
      lastSaleSeconds: Uint32Array.of(0, 10 * day, 99 * day, 300 * day),
    };
    expect([...activeItems(catalog, 100 * day, 60)]).toEqual([1, 0, 1, 1]);
    expect([...activeItems(catalog, 100 * day, 0)]).toEqual([1, 1, 1, 1]);
  });
});

describe("content retrieval", () => {
  // Unit vectors at 0, 30, 60 and 90 degrees; item 2 is no longer on sale; item 4 has no content.
  const angle = (degrees: number): number[] => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180), 0, 0];
  const artifact: ContentArtifact = {
    settings: readSettings(contentSpec, { singleQueries: 0 }),
    index: createVectorIndex(Float32Array.from([...angle(0), ...angle(30), ...angle(60), ...angle(90), 0, 0, 0, 0]), 4),
    near: () => [],
    active: Uint8Array.of(1, 1, 0, 1, 1),
    activeCount: 4,
    added: null,
  };
  const query = { limit: 3, nowSeconds: 0, items: new Int32Array(0), times: new Float64Array(0), types: new Uint8Array(0), allowed: null };

  it("ranks by cosine, puts what is off sale last, and never names the seed", () => {
    const { items, scores, because } = retrieveSimilar(artifact, { ...query, limit: 4, seeds: Int32Array.of(0) });
    expect([...items]).toEqual([1, 4, 3, 2].sort((a, b) => [0, 0, 3, 1, 2][a]! - [0, 0, 3, 1, 2][b]!));
    expect(scores[0]).toBeCloseTo(Math.cos(Math.PI / 6), 5);
    expect(scores[3]).toBeCloseTo(0.5 - 2, 5);
    expect([...because]).toEqual([0, 0, 0, 0]);
  });

  it("asks with the mean of several seeds, and names the nearer one", () => {
    const { items, scores, because } = retrieveSimilar(artifact, { ...query, limit: 1, seeds: Int32Array.of(0, 3) });
    expect([...items]).toEqual([1]);
    expect(scores[0]).toBeCloseTo(Math.cos(Math.PI / 12), 5);
    expect([...because]).toEqual([0]);
  });

  it("has nothing to say of items without content", () => {
    expect(retrieveSimilar(artifact, { ...query, seeds: Int32Array.of(4) }).items.length).toBe(0);
  });

  it("reaches items that were never sold, and agrees with exact search", async () => {
    const part = createMemoryPart("content");
    await content.fit(fixtureFitContext(shop, part));
    const loaded = await content.load({ part: part.reader(), catalog: shop.catalog });
    const seeds = Int32Array.of(3);
    const approximate = content.retrieve(loaded, fixtureQuery(shop, -1, { seeds, limit: 30 }));
    expect([...approximate.items].some((item) => item >= 190)).toBe(true);
    const exact = content.retrieve(
      { ...loaded, near: () => [] },
      fixtureQuery(shop, -1, { seeds, limit: 30, allowed: allowOnly(200, [...shop.catalog.ids.keys()]) }),
    );
    expect(approximate.items).toEqual(exact.items);
    part.dispose();
  });
});

describe("content of items that came after the release", () => {
  const load = async (without: readonly string[] = []) => {
    const part = createMemoryPart("content");
    await content.fit(fixtureFitContext(shop, part));
    const reader = part.reader();
    // A part of before items could be folded in says nothing of its columns.
    const meta = (): Record<string, unknown> =>
      Object.fromEntries(Object.entries(reader.meta()).filter(([name]) => !without.includes(name)));
    const artifact = await content.load({ part: { ...reader, meta }, catalog: shop.catalog });
    part.dispose();
    return artifact;
  };
  const ask = (artifact: Awaited<ReturnType<typeof load>>, overrides: Parameters<typeof fixtureQuery>[2]) =>
    content.retrieve(artifact, fixtureQuery(shop, -1, { limit: 12, ...overrides }));
  const fresh = shop.catalog.itemCount;
  const catalog = withNewItems(shop.catalog, [
    twinOf(shop.catalog, 3, { itemId: "twin" }),
    { ...twinOf(shop.catalog, 3, { itemId: "blank" }), name: "?", text: "", category: "hats", attributes: {} },
    twinOf(shop.catalog, 3, { itemId: "same", productGroup: shop.catalog.productGroup.values[shop.catalog.productGroup.codes[3]!]! }),
  ]);

  it("is folded in: a twin stands where its model does, found both ways, with its source behind it", async () => {
    const artifact = await load();
    const extended = content.extend!(artifact, catalog);
    const toModel = ask(extended, { seeds: Int32Array.of(3) });
    const scoreOf = (item: number): number => toModel.scores[toModel.items.indexOf(item)]!;
    // Of the same product it has the model's own vector; of another one little less.
    expect(scoreOf(fresh + 2)).toBeGreaterThan(0.999);
    expect(scoreOf(fresh)).toBeGreaterThan(0.8);
    expect(new Set(toModel.because)).toEqual(new Set([3]));
    const toTwin = ask(extended, { seeds: Int32Array.of(fresh) });
    expect([...toTwin.items]).toContain(3);
    expect(toTwin.items.filter((item) => item % 5 === 3).length).toBeGreaterThanOrEqual(10);
    expect(new Set(toTwin.because)).toEqual(new Set([fresh]));
    const one = { items: Int32Array.of(fresh), times: Float64Array.of(shop.nowSeconds - 1), types: Uint8Array.of(3) };
    expect(ask(extended, one).items.includes(fresh)).toBe(false);
    expect(ask(extended, one).items.length).toBe(12);
    // What was loaded is as it was.
    expect(ask(artifact, { seeds: Int32Array.of(3) }).items.includes(fresh)).toBe(false);
  });

  it("keeps to filters, and says nothing of an item without any content", async () => {
    const extended = content.extend!(await load(), catalog);
    const only = ask(extended, { seeds: Int32Array.of(3), allowed: allowOnly(catalog.itemCount, [fresh, 8]) });
    expect([...only.items].sort((a, b) => a - b)).toEqual([8, fresh]);
    const without = allowOnly(catalog.itemCount, [...shop.catalog.ids.keys()]);
    expect(ask(extended, { seeds: Int32Array.of(3), allowed: without }).items.some((item) => item >= fresh)).toBe(false);
    expect(ask(extended, { seeds: Int32Array.of(fresh + 1) }).items.length).toBe(0);
    expect(ask(extended, { seeds: Int32Array.of(3), limit: 200 }).items.includes(fresh + 1)).toBe(false);
  });

  it("finds an item of the release that is sold again among what is on sale", async () => {
    const artifact = await load();
    const active = artifact.active.slice();
    active[8] = 0;
    const idle = { ...artifact, active, near: () => [] };
    const place = (of: typeof artifact): number => [...ask(of, { seeds: Int32Array.of(3), limit: 199 }).items].indexOf(8);
    const again = withNewItems(shop.catalog, [{ ...unsaid(shop.catalog.ids[8]!), available: true }]);
    expect(place(idle)).toBeGreaterThan(190);
    expect(place(content.extend!(idle, again))).toBeLessThan(60);
  });

  it("of a part that cannot fold takes the mean of its product", async () => {
    const artifact = await load(["columns"]);
    const { productGroup } = shop.catalog;
    const group = productGroup.values[productGroup.codes[3]!]!;
    const said = withNewItems(shop.catalog, [{ ...twinOf(shop.catalog, 3, { itemId: "twin" }), productGroup: group }]);
    const kin = ask(content.extend!(artifact, said), { seeds: Int32Array.of(fresh), limit: 5 });
    expect(kin.items.length).toBe(5);
    expect([...kin.items].some((item) => productGroup.codes[item] === productGroup.codes[3])).toBe(true);
    expect(ask(content.extend!(artifact, catalog), { seeds: Int32Array.of(fresh) }).items.length).toBe(0);
  });
});
