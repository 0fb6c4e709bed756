import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orderByScore } from "#libs/pipeline/order.ts";
import type { ActiveBoost } from "../rules/active-rules.ts";
import { boostScores, spreadOf } from "./boosts.ts";

const boostOf = (factor: number, ...items: readonly number[]): ActiveBoost => ({
  rule: "r",
  kind: factor > 1 ? "boosted" : "buried",
  matches: (item) => items.includes(item),
  logFactor: Math.log(factor),
});
const items = Int32Array.of(0, 1, 2, 3);

describe("boosts", () => {
  it("by e add one standard deviation, also to a negative score, and buries take it away", () => {
    const scores = Float64Array.of(-1, -3, -1, -3);
    expect(spreadOf(scores)).toBe(1);
    expect([...boostScores(items, scores, [boostOf(Math.E, 1), boostOf(1 / Math.E, 2)])]).toEqual([-1, -2, -2, -3]);
  });

  it("multiply their factors where several match", () => {
    const scores = Float64Array.of(0.1, 0.2, 0.3, 0.4);
    const once = boostScores(items, scores, [boostOf(6, 1)]);
    expect(boostScores(items, scores, [boostOf(2, 1), boostOf(3, 1, 1)])[1]).toBeCloseTo(once[1]!, 12);
    expect(boostScores(items, scores, [boostOf(2, 1), boostOf(0.5, 1)])[1]).toBeCloseTo(0.2, 12);
  });

  it("decide between equal scores, and leave what is not finite at the end", () => {
    expect([...orderByScore(boostScores(items, Float64Array.of(5, 5, 5, 5), [boostOf(2, 2)]))]).toEqual([2, 0, 1, 3]);
    const broken = boostScores(items, Float64Array.of(Number.NaN, 2, Number.NEGATIVE_INFINITY, 1), [boostOf(1e6, 0, 2)]);
    expect([...orderByScore(broken)].slice(0, 2)).toEqual([1, 3]);
    expect([...boostScores(items, new Float64Array(4).fill(Number.NaN), [boostOf(2, 0)])].every(Number.isNaN)).toBe(true);
  });

  const scoreLists = fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 12 });
  it("give the same order on every scale of the ranker, and never lower what they raise", () => {
    fc.assert(
      fc.property(scoreLists, fc.nat(11), fc.integer({ min: 2, max: 64 }), fc.integer({ min: -9, max: 9 }), (given, at, scale, shift) => {
        const scores = Float64Array.from(given);
        const all = Int32Array.from(scores.keys());
        // Not a power of the others' distances: no tie that rounding could turn.
        const boost = [boostOf(2.345, at % given.length)];
        const order = orderByScore(boostScores(all, scores, boost));
        expect([
          ...orderByScore(
            boostScores(
              all,
              scores.map((score) => score * scale + shift),
              boost,
            ),
          ),
        ]).toEqual([...order]);
        const chosen = at % given.length;
        expect(order.indexOf(chosen)).toBeLessThanOrEqual(orderByScore(scores).indexOf(chosen));
        expect([...order].filter((i) => i !== chosen)).toEqual([...orderByScore(scores)].filter((i) => i !== chosen));
      }),
    );
  });

  it("without any, answer the scores themselves", () => {
    const scores = Float64Array.of(1, 2, 3, 4);
    expect(boostScores(items, scores, [])).toBe(scores);
  });
});
