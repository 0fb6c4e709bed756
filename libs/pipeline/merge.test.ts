import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeAnswers, type NamedAnswer, selectCandidates } from "./merge.ts";
import { orderByScore } from "./order.ts";

const answerOf = (source: string, items: readonly number[]): NamedAnswer => ({
  source,
  answer: {
    release: "r1",
    items: Int32Array.from(items),
    scores: items.map((_, i) => 1 / (i + 1)),
    reasons: items.map(() => 0),
    reasonWords: ["why"],
    because: items.map((item) => `because ${item}`),
    pinned: true,
  },
});

const lists = fc.array(fc.uniqueArray(fc.nat(40), { maxLength: 25 }), { minLength: 1, maxLength: 5 });
const merged = (given: readonly (readonly number[])[], limit: number) =>
  mergeAnswers(
    given.map((items, i) => answerOf(`s${i}`, items)),
    limit,
  );

describe("merging", () => {
  it("orders by best rank, then item, and keeps the first `limit`: as sorting would", () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 60 }), (given, limit) => {
        const best = new Map<number, number>();
        for (const items of given) {
          items.forEach((item, rank) => {
            best.set(item, Math.min(rank, best.get(item) ?? 99));
          });
        }
        const sorted = [...best.keys()].sort((a, b) => best.get(a)! - best.get(b)! || a - b).slice(0, limit);
        expect([...merged(given, limit).items]).toEqual(sorted);
      }),
    );
  });

  it("does not depend on the order of the sources", () => {
    fc.assert(
      fc.property(lists, (given) => {
        expect(merged([...given].reverse(), 30).items).toEqual(merged(given, 30).items);
      }),
    );
  });

  it("keeps every source's word on every candidate", () => {
    fc.assert(
      fc.property(lists, (given) => {
        const table = merged(given, 1000);
        table.sources.forEach((column, s) => {
          table.items.forEach((item, position) => {
            const rank = given[s]!.indexOf(item) + 1;
            expect(column.ranks[position]).toBe(rank);
            expect(column.scores[position]).toBe(rank === 0 ? 0 : Math.fround(1 / rank));
            expect(column.because[position]).toBe(rank === 0 ? "" : `because ${item}`);
          });
        });
      }),
    );
  });

  it("counts an item that one source names twice at its first place", () => {
    const { items, sources } = merged([[7, 3, 7]], 10);
    expect([...items]).toEqual([7, 3]);
    expect([...sources[0]!.ranks]).toEqual([1, 2]);
  });

  it("a selection keeps columns and items together", () => {
    const table = merged([[5, 6, 7], [7]], 10);
    const kept = selectCandidates(table, Int32Array.of(0, 2));
    expect([...kept.items]).toEqual([table.items[0], table.items[2]]);
    expect([...kept.sources[0]!.ranks]).toEqual([table.sources[0]!.ranks[0], table.sources[0]!.ranks[2]]);
  });
});

describe("the order by score", () => {
  it("sinks what is not finite below everything and keeps ties in the order of the table", () => {
    const scores = Float64Array.of(1, Number.NaN, 3, Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY, 3);
    expect([...orderByScore(scores)]).toEqual([2, 6, 0, 4, 1, 3, 5]);
  });
});
