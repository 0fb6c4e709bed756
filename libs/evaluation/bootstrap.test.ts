import { expect, it } from "vitest";
import { bootstrapMean } from "./bootstrap.ts";

const everyTenth = Array.from({ length: 400 }, (_, i) => ({ sum: i % 10 === 0 ? 1 : 0, count: 1 }));

it("holds the mean inside the interval and repeats under a seed", () => {
  const interval = bootstrapMean(everyTenth, 7);
  expect(interval.mean).toBeCloseTo(0.1, 12);
  expect(interval.low).toBeLessThan(0.1);
  expect(interval.high).toBeGreaterThan(0.1);
  // Standard error sqrt(0.1 * 0.9 / 400) = 0.015: the interval is about four of them wide.
  expect(interval.high - interval.low).toBeGreaterThan(0.04);
  expect(interval.high - interval.low).toBeLessThan(0.08);
  expect(bootstrapMean(everyTenth, 7)).toEqual(interval);
});

it("does not get narrower by repeating every user's week: the users are what is drawn", () => {
  const repeated = everyTenth.map(({ sum, count }) => ({ sum: sum * 26, count: count * 26 }));
  const [once, often] = [bootstrapMean(everyTenth, 7), bootstrapMean(repeated, 7)];
  expect(often.mean).toBeCloseTo(once.mean, 12);
  expect(often.high - often.low).toBeCloseTo(once.high - once.low, 12);
});

it("of no values is not a number, with count 0", () => {
  expect(bootstrapMean([], 1)).toEqual({ mean: Number.NaN, low: Number.NaN, high: Number.NaN, count: 0 });
});
