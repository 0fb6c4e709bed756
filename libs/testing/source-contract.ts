/** What every candidate source must do, called once by each source's test. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import type { CandidateSource, Candidates, FitContext, SourceQuery } from "#libs/serve/source.ts";
import { createFixtureShop, type FixtureShop } from "#libs/testing/fixture.ts";
import { createMemoryPart, type MemoryPart } from "#libs/testing/memory-part.ts";

export interface SourceContractOptions {
  /** Overrides that make the fit small enough for a test. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Least mean recall@20 of the fixture's next purchases; a random list has 0.1. */
  readonly recallMin: number;
  /** True for a source that answers without any event or seed. */
  readonly answersStrangers: boolean;
  /** True when a list must be as long as the filter allows (the query's own items apart). */
  readonly fillsFilter: boolean;
  /**
   * False for a source that knows no similar items: it must then answer seeds with nothing, not from the history, and its row must not serve
   * "similar" (tests/e2e/fleet.test.ts holds rows against answers). Left out or true: names items of the seed's cluster.
   */
  readonly answersSimilar?: boolean;
}

/** A context over the fixture shop; `overrides` win. */
export function fixtureFitContext(shop: FixtureShop, part: MemoryPart, overrides: Partial<FitContext> = {}): FitContext {
  return {
    interactions: shop.interactions,
    catalog: shop.catalog,
    users: shop.users,
    nowSeconds: shop.nowSeconds,
    seed: 1,
    threads: 1,
    part,
    progress: noProgress,
    signal: new AbortController().signal,
    settings: {},
    ...overrides,
  };
}

/** The request of user `user` with the history that the shop knows; user -1 is a stranger. */
export function fixtureQuery(shop: FixtureShop, user: number, overrides: Partial<SourceQuery> = {}): SourceQuery {
  const { offsets, items, times, types } = shop.interactions;
  const from = user < 0 ? 0 : offsets[user]!;
  const to = user < 0 ? 0 : offsets[user + 1]!;
  const age = user < 0 ? undefined : shop.users.attributes[0]!.values[shop.users.attributes[0]!.codes[user]!];
  return {
    limit: 20,
    nowSeconds: shop.nowSeconds,
    items: items.slice(from, to),
    times: Float64Array.from(times.subarray(from, to)),
    types: types.slice(from, to),
    attributes: new Map(age === undefined ? [] : [["age", age]]),
    seeds: new Int32Array(0),
    allowed: null,
    ...overrides,
  };
}

/** The filter that lets exactly these items pass. */
export function allowOnly(itemCount: number, items: readonly number[]): NonNullable<SourceQuery["allowed"]> {
  const mask = new Uint8Array(itemCount);
  for (const item of items) mask[item] = 1;
  return { mask, items: Int32Array.from(mask.keys()).filter((item) => mask[item] === 1) };
}

/** Columns of one length, best first, no item twice, only allowed items, finite scores, known reasons. */
export function expectWellFormed(candidates: Candidates, query: SourceQuery, itemCount: number, reasonCount: number): void {
  const { items, scores, reasons, because } = candidates;
  expect([scores.length, reasons.length, because.length]).toEqual([items.length, items.length, items.length]);
  expect(items.length).toBeLessThanOrEqual(query.limit);
  expect(new Set(items).size).toBe(items.length);
  const own = new Set([...query.items, ...query.seeds]);
  for (let c = 0; c < items.length; c++) {
    expect(items[c]! >= 0 && items[c]! < itemCount).toBe(true);
    if (query.allowed !== null) expect(query.allowed.mask[items[c]!]).toBe(1);
    expect(Number.isFinite(scores[c]!)).toBe(true);
    if (c > 0) expect(scores[c]!).toBeLessThanOrEqual(scores[c - 1]!);
    expect(reasons[c]!).toBeLessThan(reasonCount);
    expect(because[c] === -1 || own.has(because[c]!)).toBe(true);
  }
}

export function sourceContract<Artifact>(name: string, source: CandidateSource<Artifact>, options: SourceContractOptions): void {
  describe(`candidate source ${name}`, () => {
    const shop = createFixtureShop();
    const { itemCount } = shop.catalog;
    const parts: MemoryPart[] = [];
    let artifact: Artifact;

    const fitAndLoad = async (): Promise<Artifact> => {
      const part = createMemoryPart(name);
      parts.push(part);
      await source.fit(fixtureFitContext(shop, part, { settings: options.settings ?? {} }));
      return source.load({ part: part.reader(), catalog: shop.catalog });
    };
    const ask = (query: SourceQuery): Candidates => {
      const before = structuredClone({
        items: query.items,
        times: query.times,
        types: query.types,
        seeds: query.seeds,
        allowed: query.allowed,
      });
      const candidates = source.retrieve(artifact, query);
      expect({ items: query.items, times: query.times, types: query.types, seeds: query.seeds, allowed: query.allowed }).toEqual(before);
      expectWellFormed(candidates, query, itemCount, source.reasons.length);
      return candidates;
    };

    beforeAll(async () => {
      artifact = await fitAndLoad();
    }, 60_000);
    afterAll(() => {
      for (const part of parts) part.dispose();
    });

    it("answers the same after another fit with the same seed, and when asked twice", async () => {
      const again = await fitAndLoad();
      for (const user of [0, 17, 101, 299]) {
        const query = fixtureQuery(shop, user);
        const candidates = ask(query);
        expect(source.retrieve(again, query)).toEqual(candidates);
        expect(ask(query)).toEqual(candidates);
      }
    }, 60_000);

    it("finds what users buy next far better than chance", () => {
      let recall = 0;
      shop.future.forEach((future, user) => {
        const found = new Set(ask(fixtureQuery(shop, user, { limit: 20 })).items);
        recall += future.filter((item) => found.has(item)).length / future.length;
      });
      expect(recall / shop.future.length).toBeGreaterThan(options.recallMin);
    });

    it("keeps to any limit", () => {
      for (const limit of [0, 1, 7, 1000]) ask(fixtureQuery(shop, 3, { limit }));
      expect(ask(fixtureQuery(shop, 3, { limit: 7 })).items.length).toBe(7);
    });

    it("keeps to filters: selective, wide, of one item, of none", () => {
      const narrow = allowOnly(itemCount, [8, 13, 28, 33, 58, 63]);
      const wide = allowOnly(
        itemCount,
        [...shop.catalog.ids.keys()].filter((item) => item % 3 !== 0),
      );
      for (const user of [3, 4, 50]) {
        for (const allowed of [narrow, wide, allowOnly(itemCount, [63]), allowOnly(itemCount, [])]) {
          const query = fixtureQuery(shop, user, { allowed, limit: 50 });
          const { items } = ask(query);
          if (options.fillsFilter) {
            const own = new Set(query.items);
            const open = allowed.items.filter((item) => !own.has(item)).length;
            expect(items.length).toBeGreaterThanOrEqual(Math.min(50, open));
          }
        }
      }
      expect(ask(fixtureQuery(shop, 3, { allowed: allowOnly(itemCount, []) })).items.length).toBe(0);
    });

    it("answers a stranger without throwing", () => {
      expect(ask(fixtureQuery(shop, -1)).items.length > 0).toBe(options.answersStrangers);
      ask(
        fixtureQuery(shop, -1, { items: Int32Array.of(itemCount - 1), times: Float64Array.of(shop.nowSeconds), types: Uint8Array.of(1) }),
      );
    });

    const { answersSimilar = true } = options;
    const seeded = answersSimilar
      ? "names items of the seed's cluster, never the seed itself, whatever the history"
      : "answers seeds with nothing, whatever the history";
    it(seeded, () => {
      for (const seed of [0, 11, 22]) {
        const { items } = ask(fixtureQuery(shop, 3, { seeds: Int32Array.of(seed), limit: 10 }));
        if (!answersSimilar) {
          expect([...items]).toEqual([]);
          continue;
        }
        expect(items.includes(seed)).toBe(false);
        expect(items.filter((item) => item % 5 === seed % 5).length).toBeGreaterThanOrEqual(6);
      }
    });

    it("stops fitting when aborted", async () => {
      const part = createMemoryPart(name);
      parts.push(part);
      const context = fixtureFitContext(shop, part, { signal: AbortSignal.abort(), settings: options.settings ?? {} });
      await expect(source.fit(context)).rejects.toMatchObject({ code: "cancelled" });
    });

    it("refuses unknown settings by name", async () => {
      const part = createMemoryPart(name);
      parts.push(part);
      const context = fixtureFitContext(shop, part, { settings: { nonsense: 1 } });
      await expect(source.fit(context)).rejects.toMatchObject({ code: "invalid_argument", field: "settings.nonsense" });
    });
  });
}
