import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import { orderByScore } from "./order.ts";
import type { CandidateTable, Pipeline, PipelineResult, SourceAnswer } from "./pipeline.ts";
import { createRankPace, type RankPace } from "./rank-pace.ts";
import { placeBelow } from "./rank-stage.ts";
import { runPipeline } from "./run.ts";

interface Query {
  readonly user: string;
}

interface Shop {
  readonly items: readonly number[];
  readonly limit: number;
  readonly pace: RankPace;
  /** Milliseconds of ranking one candidate, by the clock of the test. */
  readonly candidateMs: number;
  readonly remainingMs: number;
  readonly scoreOf: (item: number) => number;
  readonly fusionOf: (item: number) => number;
  readonly pins: readonly number[];
  /** Instead of answering. */
  readonly fail?: () => Promise<never>;
}

const shop: Shop = {
  items: Array.from({ length: 100 }, (_, i) => i),
  limit: 5,
  pace: createRankPace(),
  candidateMs: 1,
  remainingMs: 1000,
  scoreOf: (item) => item,
  fusionOf: (item) => -item,
  pins: [],
};

interface Ran {
  readonly result: PipelineResult<Query>;
  /** Items that the scorer was asked for; null when it was not. */
  readonly asked: readonly number[] | null;
  /** All items, best first. */
  readonly order: readonly number[];
}

/** One request against a clock that only ranking moves. */
async function ask(overrides: Partial<Shop>): Promise<Ran> {
  const given = { ...shop, ...overrides };
  let nowMs = 0;
  let asked: number[] | null = null;
  const answer: SourceAnswer = {
    release: "r1",
    items: Int32Array.from(given.items),
    scores: given.items.map(() => 1),
    reasons: given.items.map(() => 0),
    reasonWords: ["x"],
    because: [],
    pinned: true,
  };
  const pipeline: Pipeline<Query> = {
    hydrators: [],
    sources: [{ name: "good", budgetMs: 1000, applies: () => true, retrieve: async () => answer }],
    lastResort: () => answer,
    additions: () => given.pins,
    filters: [],
    scorer: {
      name: "ranking",
      applies: () => true,
      score: async (_: Query, { items }: CandidateTable) => {
        asked = [...items];
        nowMs += items.length * given.candidateMs;
        if (given.fail) return given.fail();
        return { scores: Float64Array.from(items, given.scoreOf), note: null };
      },
      fallback: (_, { items }) => Float64Array.from(items, given.fusionOf),
    },
    pace: given.pace,
    rescorers: [],
    arranger: { name: "slate", arrange: (_query, _table, _scores, order, limit) => order.slice(0, limit) },
    candidatesMax: 1000,
  };
  const context = {
    signal: new AbortController().signal,
    remainingMs: () => given.remainingMs,
    nowMs: () => nowMs,
    observer: { stage: <T>(_: string, run: () => Promise<T>) => run(), sourceCandidates: () => undefined },
  };
  const result = await runPipeline(pipeline, { user: "u" }, given.limit, context);
  const order = Array.from(orderByScore(result.scores), (position) => result.candidates.items[position]!);
  return { result, asked, order };
}

/** A pace that has seen ranking of 100 candidates take 100 ms. */
const seenPace = (): RankPace => {
  const pace = createRankPace();
  pace.ranked(100, 100);
  return pace;
};

describe("ranking with little time left", () => {
  it("ranks everything while nothing is known of its pace, and while time is plenty", async () => {
    for (const pace of [createRankPace(), seenPace()]) {
      const { result, asked } = await ask({ pace });
      expect(asked).toHaveLength(100);
      expect(result).toMatchObject({ ranked: true, rankedCount: 100, degraded: [] });
    }
  });

  it("ranks the best by fusion of what fits, places the others after them in its order, and says so", async () => {
    // 100 ms left: 70 of them for ranking, a third of that set aside.
    const { result, asked, order } = await ask({ pace: seenPace(), remainingMs: 100 });
    expect(result.rankedCount).toBe(46);
    expect(asked).toEqual(shop.items.slice(0, 46));
    expect(result).toMatchObject({ ranked: true, degraded: ["ranking:shortened"] });
    expect(order).toEqual([...shop.items.slice(0, 46).reverse(), ...shop.items.slice(46)]);
  });

  it("ranks never fewer than the page needs", async () => {
    const { result, order } = await ask({ pace: seenPace(), remainingMs: 1 });
    expect(result.rankedCount).toBe(2 * shop.limit);
    expect(order.slice(0, 10)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect((await ask({ pace: seenPace(), remainingMs: 1, limit: 80 })).result).toMatchObject({ rankedCount: 100, degraded: [] });
  });

  it("orders by fusion without asking when no time is left", async () => {
    const { result, asked, order } = await ask({ remainingMs: 0 });
    expect(asked).toBeNull();
    expect(order).toEqual(shop.items);
    expect(result).toMatchObject({ ranked: false, rankedCount: 0, degraded: ["ranking:deadline_exceeded"] });
  });

  it("learns from its own requests: a ranker that became slow gets fewer, one that became fast gets all again", async () => {
    const pace = createRankPace();
    const counts: number[] = [];
    for (const candidateMs of [...Array<number>(10).fill(4), ...Array<number>(40).fill(0.01)])
      counts.push((await ask({ pace, candidateMs, remainingMs: 150 })).result.rankedCount);
    expect(counts[0]).toBe(100);
    // 105 ms of ranking, 70 of them planned with.
    expect(counts[9]).toBe(17);
    expect(counts.at(-1)).toBe(100);
  });

  it("learns from a ranker that came too late, not from one that failed otherwise", async () => {
    const late = (): Promise<never> => Promise.reject(new ModisteError("deadline_exceeded", "late", "late"));
    const dead = (): Promise<never> => Promise.reject(new ModisteError("unavailable", "down", "down"));
    for (const [fail, next] of [
      [late, 16],
      [dead, 100],
    ] as const) {
      const pace = createRankPace();
      expect((await ask({ pace, fail, candidateMs: 3 })).result).toMatchObject({ ranked: false, rankedCount: 0 });
      expect((await ask({ pace, remainingMs: 105 })).result.rankedCount).toBe(next);
    }
  });

  it("places pins that no source named last, loses no item and doubles none, and sorts the ranked by score and the rest by fusion", async () => {
    const numbers = fc.oneof(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), fc.integer({ min: -3, max: 3 }), fc.constant(Number.NaN));
    const shops = fc.record({
      items: fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 60 }),
      pins: fc.uniqueArray(fc.nat(200), { maxLength: 3 }),
      limit: fc.integer({ min: 1, max: 8 }),
      remainingMs: fc.integer({ min: 1, max: 120 }),
      scores: fc.array(numbers, { minLength: 201, maxLength: 201 }),
      fusion: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 201, maxLength: 201 }),
    });
    await fc.assert(
      fc.asyncProperty(shops, async ({ scores, fusion, ...given }) => {
        const pace = seenPace();
        const { result, asked, order } = await ask({ ...given, pace, scoreOf: (item) => scores[item]!, fusionOf: (item) => fusion[item]! });
        const { items } = result.candidates;
        expect([...order].sort((a, b) => a - b)).toEqual([...new Set([...given.items, ...given.pins])].sort((a, b) => a - b));
        expect(result.rankedCount).toBe(asked!.length);
        expect(asked!.length).toBeGreaterThanOrEqual(Math.min(items.length, 2 * given.limit));
        expect(result.degraded).toEqual(asked!.length < items.length ? ["ranking:shortened"] : []);
        const ranked = new Set(asked);
        const rest = order.filter((item) => !ranked.has(item));
        // No item outside has more of fusion than one inside.
        const least = Math.min(...asked!.map((item) => fusion[item]!));
        for (const item of rest) expect(fusion[item]!).toBeLessThanOrEqual(least);
        for (let i = 1; i < rest.length; i++) expect(fusion[rest[i]!]!).toBeLessThanOrEqual(fusion[rest[i - 1]!]!);
        const standing = order.filter((item) => ranked.has(item) && Number.isFinite(scores[item]));
        expect(order.slice(0, standing.length)).toEqual(standing);
        for (let i = 1; i < standing.length; i++) expect(scores[standing[i]!]!).toBeLessThanOrEqual(scores[standing[i - 1]!]!);
        // Behind them the rest, at the end what sank.
        expect(order.slice(standing.length, standing.length + rest.length)).toEqual(rest);
      }),
    );
  });
});

describe("placing candidates below the ranked ones", () => {
  it("keeps the scale of the scores", () => {
    const all = placeBelow(Float64Array.of(3, 1), Int32Array.of(0, 3), Int32Array.of(2, 1));
    expect([...all]).toEqual([3, -1, 0, 1]);
  });
  it("stays below scores that are all alike, however large", () => {
    const all = placeBelow(Float64Array.of(1e12, 1e12), Int32Array.of(0, 1), Int32Array.of(3, 2));
    expect(all[3]).toBeLessThan(1e12);
    expect(all[2]).toBeLessThan(all[3]!);
  });
});
