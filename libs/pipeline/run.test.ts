import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import { mergeAnswers } from "./merge.ts";
import { orderByScore } from "./order.ts";
import type { Pipeline, Source, SourceAnswer } from "./pipeline.ts";
import { createRankPace } from "./rank-pace.ts";
import { runPipeline } from "./run.ts";

interface Query {
  readonly user: string;
}

function answerOf(items: readonly number[]): SourceAnswer {
  const zeros = items.map(() => 0);
  return {
    release: "r1",
    items: Int32Array.from(items),
    scores: items.map((_, i) => 1 / (i + 1)),
    reasons: zeros,
    reasonWords: ["x"],
    because: [],
    pinned: true,
  };
}

function source(name: string, retrieve: Source<Query>["retrieve"]): Source<Query> {
  return { name, budgetMs: 20, applies: () => true, retrieve };
}

const good = source("good", async () => answerOf([1, 2, 3]));
const never = source(
  "never",
  (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
);
const broken = source("broken", async () => {
  throw new ModisteError("unavailable", "down", "down");
});

function pipelineOf(overrides: Partial<Pipeline<Query>> = {}): Pipeline<Query> {
  return {
    hydrators: [],
    sources: [good],
    lastResort: () => answerOf([9]),
    additions: () => [],
    filters: [],
    scorer: {
      name: "ranking",
      applies: () => true,
      score: async (_, { items }) => ({ scores: Float64Array.from(items), note: null }),
      fallback: (_, { items }) => new Float64Array(items.length),
    },
    pace: createRankPace(),
    rescorers: [],
    arranger: { name: "slate", arrange: (_query, _table, _scores, order, limit) => order.slice(0, limit) },
    candidatesMax: 100,
    ...overrides,
  };
}

function run(overrides: Partial<Pipeline<Query>> = {}, signal = new AbortController().signal) {
  const observed: string[] = [];
  const context = {
    signal,
    remainingMs: () => 100,
    nowMs: () => 0,
    observer: {
      stage: <T>(name: string, work: () => Promise<T>) => {
        observed.push(name);
        return work();
      },
      sourceCandidates: () => undefined,
    },
  };
  return runPipeline(pipelineOf(overrides), { user: "u" }, 2, context).then((result) => ({ ...result, observed }));
}

describe("the runner", () => {
  it("runs every stage once, in order", async () => {
    expect((await run()).observed).toEqual(["hydrate", "retrieve", "merge", "filter", "rank", "arrange"]);
  });
  it("answers the best-scored candidates", async () => {
    const { candidates, chosen } = await run();
    expect(Array.from(chosen, (position) => candidates.items[position])).toEqual([3, 2]);
  });
  it("goes on without a source that hangs, tells it to stop, and says so", async () => {
    let stopped = false;
    const hanging = source("never", (query, context) => {
      context.signal.addEventListener("abort", () => {
        stopped = true;
      });
      return never.retrieve(query, context);
    });
    const { degraded, sources, chosen } = await run({ sources: [good, hanging] });
    expect(degraded).toEqual(["never:deadline_exceeded"]);
    expect(sources.map(({ outcome }) => outcome)).toEqual(["answered", "late"]);
    expect(chosen.length).toBe(2);
    expect(stopped).toBe(true);
  });
  it("answers the last resort when every source is missing, and never asks the scorer then", async () => {
    const scorer = { ...pipelineOf().scorer, score: () => Promise.reject(new Error("must not be asked")) };
    const { lastResort, candidates, degraded, ranked } = await run({ sources: [broken], scorer });
    expect(lastResort).toBe(true);
    expect([...candidates.items]).toEqual([9]);
    expect(degraded).toEqual(["broken:unavailable"]);
    expect(ranked).toBe(true);
  });
  it("falls back when the scorer fails", async () => {
    const scorer = { ...pipelineOf().scorer, score: () => Promise.reject(new ModisteError("unavailable", "down", "down")) };
    const { ranked, degraded } = await run({ scorer });
    expect(ranked).toBe(false);
    expect(degraded).toEqual(["ranking:unavailable"]);
  });
  it("does not hide a broken invariant: a scorer with the wrong number of scores is a bug of ours", async () => {
    const scorer = { ...pipelineOf().scorer, score: async () => ({ scores: new Float64Array(1), note: null }) };
    await expect(run({ scorer })).rejects.toMatchObject({ code: "internal", reason: "invariant_broken" });
  });
  it("stops when its caller leaves", async () => {
    const caller = new AbortController();
    const running = run({ sources: [never] }, caller.signal);
    caller.abort();
    await expect(running).rejects.toMatchObject({ code: "cancelled" });
  });
  it("uses a hydrator's fallback when it fails", async () => {
    const hydrator = {
      name: "profile",
      hydrate: () => Promise.reject(new ModisteError("unavailable", "down", "down")),
      fallback: () => ({ user: "nobody" }),
    };
    const { query, degraded } = await run({ hydrators: [hydrator] });
    expect(query).toEqual({ user: "nobody" });
    expect(degraded).toEqual(["profile:unavailable"]);
  });
  it("counts what each filter removed and lets no removed item back", async () => {
    const odd = { name: "odd", keep: () => (item: number) => item % 2 === 1 };
    const none = { name: "none", keep: () => () => false };
    expect((await run({ filters: [odd] })).removed).toEqual([{ filter: "odd", removed: 1 }]);
    const emptied = await run({ filters: [odd, none] });
    expect(emptied.removed).toEqual([
      { filter: "odd", removed: 1 },
      { filter: "none", removed: 2 },
    ]);
    expect(emptied.chosen.length).toBe(0);
  });
});

describe("additions and rescorers", () => {
  it("adds items that pass the filters, once each, and no source's word for them", async () => {
    const odd = { name: "odd", keep: () => (item: number) => item % 2 === 1 };
    const { candidates, removed, lastResort } = await run({ additions: () => [7, 3, 8, 7], filters: [odd] });
    expect([...candidates.items]).toEqual([1, 3, 7]);
    expect(candidates.sources.map(({ ranks, because }) => [[...ranks], because])).toEqual([
      [
        [1, 3, 0],
        ["", "", ""],
      ],
    ]);
    expect(removed).toEqual([{ filter: "odd", removed: 1 }]);
    expect(lastResort).toBe(false);
  });
  it("additions do not hide that no source answered", async () => {
    const { candidates, lastResort } = await run({ sources: [broken], additions: () => [7] });
    expect([...candidates.items]).toEqual([9, 7]);
    expect(lastResort).toBe(true);
  });
  it("arranges and answers by what the rescorers make of the scores, in their order", async () => {
    const negate = { name: "negate", rescore: (_: Query, __: unknown, scores: Float64Array) => scores.map((score) => -score) };
    const double = { name: "double", rescore: (_: Query, __: unknown, scores: Float64Array) => scores.map((score) => score * 2 + 1) };
    const { candidates, chosen, scores } = await run({ rescorers: [negate, double] });
    expect([...scores]).toEqual([-1, -3, -5]);
    expect(Array.from(chosen, (position) => candidates.items[position])).toEqual([1, 2]);
  });
  it("a rescorer with the wrong number of scores is a bug of ours", async () => {
    const short = { name: "short", rescore: () => new Float64Array(1) };
    await expect(run({ rescorers: [short] })).rejects.toMatchObject({ reason: "invariant_broken" });
  });
});

describe("merge", () => {
  const lists = fc.array(fc.uniqueArray(fc.nat(40), { maxLength: 20 }), { minLength: 1, maxLength: 5 });
  it("does not depend on the order of the sources, keeps every rank, and has no double", () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 60 }), (answers, limit) => {
        const named = answers.map((items, i) => ({ source: `s${i}`, answer: answerOf(items) }));
        const table = mergeAnswers(named, limit);
        const turned = mergeAnswers([...named].reverse(), limit);
        expect([...turned.items]).toEqual([...table.items]);
        expect(new Set(table.items).size).toBe(table.items.length);
        table.sources.forEach((column, s) => {
          column.ranks.forEach((rank, position) => {
            expect(rank).toBe(answers[s]!.indexOf(table.items[position]!) + 1);
          });
        });
      }),
    );
  });
});

it("orders by score, ties by place, and sinks what is not finite", () => {
  expect([...orderByScore(Float64Array.of(1, Number.NaN, 3, 1, Number.POSITIVE_INFINITY))]).toEqual([2, 0, 3, 1, 4]);
});
