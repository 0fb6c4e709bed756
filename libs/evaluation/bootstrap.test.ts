import { expect, it } from "vitest";
import { bootstrapMean } from "./bootstrap.ts";

it("holds the mean inside the interval and repeats under a seed", () => {
  const values = Float64Array.from({ length: 400 }, (_, i) => (i % 10 === 0 ? 1 : 0));
  const interval = bootstrapMean(values, 7);
  expect(interval.mean).toBeCloseTo(0.1, 12);
  expect(interval.low).toBeLessThan(0.1);
  expect(interval.high).toBeGreaterThan(0.1);
  // Standard error sqrt(0.1 * 0.9 / 400) = 0.015: the interval is about four of them wide.
  expect(interval.high - interval.low).toBeGreaterThan(0.04);
  expect(interval.high - interval.low).toBeLessThan(0.08);
  expect(bootstrapMean(values, 7)).toEqual(interval);
});

it("of no values is not a number, with count 0", () => {
  expect(bootstrapMean([], 1)).toEqual({ mean: Number.NaN, low: Number.NaN, high: Number.NaN, count: 0 });
});
