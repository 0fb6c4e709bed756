import { describe, expect, it } from "vitest";
import { bootstrapMean, pairedDifference } from "./bootstrap.ts";

const users = Int32Array.from({ length: 400 }, (_, user) => user);
const everyTenth = Float64Array.from(users, (user) => (user % 10 === 0 ? 1 : 0));

describe("bootstrapMean", () => {
  it("holds the mean inside the interval and repeats under a seed", () => {
    const interval = bootstrapMean(everyTenth, users, 7);
    expect(interval.mean).toBeCloseTo(0.1, 12);
    expect(interval.low).toBeLessThan(0.1);
    expect(interval.high).toBeGreaterThan(0.1);
    // Standard error sqrt(0.1 * 0.9 / 400) = 0.015: the interval is about four of them wide.
    expect(interval.high - interval.low).toBeGreaterThan(0.04);
    expect(interval.high - interval.low).toBeLessThan(0.08);
    expect(bootstrapMean(everyTenth, users, 7)).toEqual(interval);
  });

  it("does not get narrower by repeating every user's week: the users are what is drawn", () => {
    const weeks = Array.from({ length: 26 });
    const often = bootstrapMean(
      Float64Array.from(weeks.flatMap(() => [...everyTenth])),
      Int32Array.from(weeks.flatMap(() => [...users])),
      7,
    );
    const once = bootstrapMean(everyTenth, users, 7);
    expect(often.mean).toBeCloseTo(once.mean, 12);
    expect(often.high - often.low).toBeCloseTo(once.high - once.low, 12);
  });

  it("leaves out what is not a number, and of no values is not a number with count 0", () => {
    const holed = everyTenth.map((value, i) => (i % 2 === 0 ? value : Number.NaN));
    expect(bootstrapMean(holed, users, 7)).toMatchObject({ mean: expect.closeTo(0.2, 12), count: 200 });
    const none = { mean: Number.NaN, low: Number.NaN, high: Number.NaN, count: 0 };
    expect(bootstrapMean(new Float64Array(0), new Int32Array(0), 1)).toEqual(none);
    expect(bootstrapMean(Float64Array.of(Number.NaN), Int32Array.of(0), 1)).toEqual(none);
  });
});

describe("pairedDifference", () => {
  it("sees a small gain of every user that two separate intervals would hide", () => {
    const better = everyTenth.map((value) => value + 0.002);
    const [one, other] = [bootstrapMean(everyTenth, users, 7), bootstrapMean(better, users, 7)];
    expect(other.low).toBeLessThan(one.high);
    const difference = pairedDifference(better, everyTenth, users, 7);
    expect(difference.low).toBeGreaterThan(0);
    expect(difference.p).toBeLessThan(0.01);
    expect(pairedDifference(everyTenth, better, users, 7).high).toBeLessThan(0);
  });

  it("cannot tell a run from itself", () => {
    expect(pairedDifference(everyTenth, everyTenth, users, 7)).toMatchObject({ mean: 0, low: 0, high: 0, p: 1 });
  });
});
