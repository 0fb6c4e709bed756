import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "#libs/core/random.ts";
import type { SearchRange } from "./document.ts";
import { createSearch, medianStopping } from "./search.ts";

const ranges: Readonly<Record<string, SearchRange>> = {
  "a.linear": { from: -1, to: 1, scale: "linear", whole: false },
  "a.log": { from: 1, to: 1000, scale: "log", whole: true },
  "b.choice": { choices: ["x", "y"] },
};

describe("createSearch", () => {
  it("stays inside the ranges, and gives the same trials under a seed", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.array(fc.float({ noNaN: true, min: 0, max: 1 }), { minLength: 20, maxLength: 20 }), (seed, values) => {
        const run = (): unknown[] => {
          const search = createSearch(ranges, values.length, createRandom(seed, "test"));
          return values.map((value) => {
            const settings = search.next();
            search.tell(value, value < 0.3);
            return settings;
          });
        };
        const trials = run() as Record<string, number>[];
        expect(run()).toEqual(trials);
        for (const trial of trials) {
          expect(trial["a.linear"]).toBeGreaterThanOrEqual(-1);
          expect(trial["a.linear"]).toBeLessThanOrEqual(1);
          expect(trial["a.log"]).toSatisfy((value: number) => Number.isInteger(value) && value >= 1 && value <= 1000);
          expect(["x", "y"]).toContain(trial["b.choice"]);
        }
      }),
    );
  });

  it("comes nearer to the best than the first half did", () => {
    const search = createSearch({ "a.linear": ranges["a.linear"]! }, 60, createRandom(3, "test"));
    const distances = Array.from({ length: 60 }, () => {
      const distance = Math.abs(Number(search.next()["a.linear"]) - 0.62);
      search.tell(-distance, false);
      return distance;
    });
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(distances.slice(45))).toBeLessThan(mean(distances.slice(0, 30)) / 2);
  });
});

describe("medianStopping", () => {
  it("lets the first trials pass, then stops what is below the median of its rung", () => {
    const stopping = medianStopping();
    expect([0.4, 0.1, 0.3, 0.2].map((mean) => stopping.goesOn(0, mean))).toEqual([true, true, true, true]);
    expect(stopping.goesOn(0, 0.15)).toBe(false);
    expect(stopping.goesOn(0, 0.35)).toBe(true);
    expect(stopping.goesOn(1, 0.01)).toBe(true);
  });
});
