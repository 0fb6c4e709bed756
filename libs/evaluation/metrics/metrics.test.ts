import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { averagePrecision } from "./average-precision.ts";
import { averagePrecisionAll } from "./average-precision-all.ts";
import { hitRate } from "./hit-rate.ts";
import { metrics } from "./index.ts";
import { ndcg } from "./ndcg.ts";
import { precision } from "./precision.ts";
import { recall } from "./recall.ts";
import { recallMin } from "./recall-min.ts";
import { reciprocalRank } from "./reciprocal-rank.ts";

const relevant = new Set([3, 5, 9]);

describe("worked by hand", () => {
  it("average precision of hits at places 1 and 4 of three relevant items", () => {
    // (1/1 + 2/4) / min(3, 12)
    expect(averagePrecision.of([3, 1, 2, 5], relevant, 12)).toBeCloseTo(1.5 / 3, 12);
  });
  it("average precision divides by k when more than k items are relevant", () => {
    expect(averagePrecision.of([3, 1], relevant, 2)).toBeCloseTo(1 / 2, 12);
    expect(averagePrecision.of([3, 5], relevant, 2)).toBe(1);
  });
  it("a double counts once, at its first place, and keeps its later place", () => {
    // hits: 3 at place 1, 5 at place 3 (place 2 is the double)
    expect(averagePrecision.of([3, 3, 5], relevant, 12)).toBeCloseTo((1 + 2 / 3) / 3, 12);
    expect(precision.of([3, 3, 5], relevant, 3)).toBeCloseTo(2 / 3, 12);
  });
  it("precision does not forgive a short list", () => {
    expect(precision.of([3], relevant, 10)).toBeCloseTo(0.1, 12);
  });
  it("recall divides by all relevant items, also above k", () => {
    expect(recall.of([3, 5], relevant, 2)).toBeCloseTo(2 / 3, 12);
  });
  it("named variants: average precision over m, recall over min(m, k)", () => {
    expect(averagePrecisionAll.of([3, 1, 2, 5], relevant, 2)).toBeCloseTo(1 / 3, 12);
    expect(recallMin.of([3, 1], relevant, 2)).toBe(0.5);
    expect(recallMin.of([3, 5], relevant, 2)).toBe(1);
  });
  it("two orders of tied items differ only in the places, as given", () => {
    expect(averagePrecision.of([1, 3], relevant, 2)).toBe(0.25);
    expect(averagePrecision.of([3, 1], relevant, 2)).toBe(0.5);
  });
  it("nDCG of a hit at place 3 of one relevant item is 1/log2(4)", () => {
    expect(ndcg.of([1, 2, 3], new Set([3]), 10)).toBeCloseTo(0.5, 12);
  });
  it("reciprocal rank and hit rate look at the first k only", () => {
    expect(reciprocalRank.of([1, 3], relevant, 2)).toBe(0.5);
    expect(reciprocalRank.of([1, 3], relevant, 1)).toBe(0);
    expect(hitRate.of([1, 3], relevant, 1)).toBe(0);
    expect(hitRate.of([1, 3], relevant, 2)).toBe(1);
  });
});

const lists = fc.array(fc.nat(30), { maxLength: 25 });
const relevants = fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 20 }).map((items) => new Set(items));

describe.each(metrics.map((metric) => [metric.name, metric] as const))("%s", (_, metric) => {
  it("is null for a user with nothing to find", () => {
    expect(metric.of([1, 2], new Set(), 12)).toBeNull();
  });
  it("is 0 for an empty list", () => {
    expect(metric.of([], relevant, 12)).toBe(0);
  });
  it("stays in [0, 1] and never falls when an irrelevant item leaves the head of the list", () => {
    fc.assert(
      fc.property(lists, relevants, fc.integer({ min: 1, max: 20 }), (list, wanted, k) => {
        const value = metric.of(list, wanted, k)!;
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1 + 1e-12);
        if (list.length > 0 && !wanted.has(list[0]!)) expect(metric.of(list.slice(1), wanted, k)!).toBeGreaterThanOrEqual(value - 1e-12);
      }),
    );
  });
  it("of a list of only relevant items, as many as there are, is the greatest possible", () => {
    fc.assert(
      fc.property(relevants, fc.integer({ min: 1, max: 20 }), (wanted, k) => {
        const best = metric.of([...wanted], wanted, k)!;
        // Divided by something larger than what k places can hold: precision by k, recall and map(m) by m.
        const greatest: Record<string, number> = {
          precision: Math.min(1, wanted.size / k),
          recall: Math.min(1, k / wanted.size),
          "map(m)": Math.min(1, k / wanted.size),
        };
        const expected = greatest[metric.name] ?? 1;
        expect(best).toBeCloseTo(expected, 12);
      }),
    );
  });
});
