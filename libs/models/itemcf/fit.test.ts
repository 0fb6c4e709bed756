import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { fitNeighbours, type Neighbours } from "#libs/models/itemcf/fit.ts";
import { type ItemCfSettings, itemCfSpec } from "#libs/models/itemcf/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import { interactionsOf } from "#libs/testing/interactions.ts";

const plain = { timeDecay: "none", ageHalfLifeDays: 0, earlierFactor: 1, userDegree: "none", shrinkage: 0, neighbours: 100 };
const itemCount = 7;

/** Purchases by user, all at one time. */
const bought = (users: readonly (readonly number[])[]): Interactions =>
  interactionsOf(
    users.map((items) => items.map((item) => [item, 1000] as const)),
    itemCount,
  );

const settingsFor = (overrides: Record<string, unknown>): ItemCfSettings => readSettings(itemCfSpec, { ...plain, ...overrides });

const fitted = (users: readonly (readonly number[])[], overrides: Record<string, unknown>, threads = 0): Promise<Neighbours> =>
  fitNeighbours(bought(users), 2000, settingsFor(overrides), threads, noProgress, new AbortController().signal);

/** [items, items], rows from the neighbours. */
function dense({ offsets, items, similarities }: Neighbours): number[][] {
  const rows = Array.from({ length: itemCount }, () => new Array<number>(itemCount).fill(0));
  rows.forEach((row, item) => {
    for (let n = offsets[item]!; n < offsets[item + 1]!; n++) row[items[n]!] = similarities[n]!;
  });
  return rows;
}

/** Divided so that the rows' maxima average 1, as the fit answers. */
function scaled(rows: number[][]): number[][] {
  const best = rows.map((row) => Math.max(...row)).filter((value) => value > 0);
  const mean = best.reduce((sum, value) => sum + value, 0) / best.length;
  return rows.map((row) => row.map((value) => (best.length === 0 ? 0 : value / mean)));
}

type Matrix = readonly (readonly number[])[];
const transpose = (m: Matrix, columns: number): number[][] => Array.from({ length: columns }, (_, c) => m.map((row) => row[c]!));
const multiply = (a: Matrix, b: Matrix, columns: number): number[][] =>
  a.map((row) => Array.from({ length: columns }, (_, c) => row.reduce((sum, value, k) => sum + value * b[k]![c]!, 0)));
const withoutDiagonal = (m: Matrix): number[][] => m.map((row, r) => row.map((value, c) => (r === c ? 0 : value)));
const sizeOf = (row: readonly number[]): number => row.reduce((sum, value) => sum + value, 0);

/** Every user has 1 to 5 distinct items. */
const anyUsers = fc.array(fc.uniqueArray(fc.nat(itemCount - 1), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 });
const incidence = (users: readonly (readonly number[])[]): number[][] =>
  users.map((user) => Array.from({ length: itemCount }, (_, item) => (user.includes(item) ? 1 : 0)));

function expectSame(actual: number[][], expected: number[][]): void {
  actual.forEach((row, r) => {
    row.forEach((value, c) => {
      expect(value, `pair ${r}, ${c}`).toBeCloseTo(expected[r]![c]!, 4);
    });
  });
}

/** Gauss-Jordan in 64 bits. */
function directInverse(matrix: Matrix): number[][] {
  const n = matrix.length;
  const a = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let k = 0; k < n; k++) {
    const pivot = a[k]![k]!;
    a[k] = a[k]!.map((value) => value / pivot);
    a.forEach((row, i) => {
      if (i !== k) a[i] = row.map((value, j) => value - row[k]! * a[k]![j]!);
    });
  }
  return a.map((row) => row.slice(n));
}

/** Equal up to one positive factor, taken from the sums of absolute values. */
function expectProportional(actual: number[][], expected: number[][]): void {
  const total = (rows: number[][]): number => sizeOf(rows.flat().map(Math.abs));
  const factor = total(expected) > 0 ? total(actual) / total(expected) : 1;
  const unit = total(actual) || 1;
  actual.forEach((row, r) => {
    row.forEach((value, c) => {
      expect(value / unit, `pair ${r}, ${c}`).toBeCloseTo((expected[r]![c]! * factor) / unit, 4);
    });
  });
}

describe("itemcf against dense matrices", () => {
  it("RP3beta: step to users, step to items, over popularity to the beta", async () => {
    await fc.assert(
      fc.asyncProperty(anyUsers, fc.constantFrom(0.6, 1, 1.7), fc.constantFrom(0, 0.4), async (users, alpha, beta) => {
        const byUser = incidence(users);
        const byItem = transpose(byUser, itemCount);
        const toItem = byUser.map((row) => row.map((value) => (value / sizeOf(row)) ** alpha));
        const toUser = byItem.map((row) => row.map((value) => (value === 0 ? 0 : (value / sizeOf(row)) ** alpha)));
        const walked = multiply(toUser, toItem, itemCount).map((row) =>
          row.map((value, other) => (value === 0 ? 0 : value / sizeOf(byItem[other]!) ** beta)),
        );
        const found = await fitted(users, { weighting: "walk", walkAlpha: alpha, ownExponent: alpha, otherExponent: beta });
        expectSame(dense(found), scaled(withoutDiagonal(walked)));
      }),
      { numRuns: 40 },
    );
  });

  it("asymmetric cosine with shrinkage and amplification", async () => {
    const exponents = fc.constantFrom<readonly [number, number]>([0.5, 0.5], [0.3, 0.7], [1, 0]);
    await fc.assert(
      fc.asyncProperty(anyUsers, exponents, fc.constantFrom(0.5, 1, 2), async (users, [own, other], power) => {
        const byItem = transpose(incidence(users), itemCount);
        const pairs = multiply(byItem, incidence(users), itemCount);
        const expected = pairs.map((row, i) =>
          row.map((value, j) => (value / (sizeOf(byItem[i]!) ** own * sizeOf(byItem[j]!) ** other + 1.5)) ** power),
        );
        expected.forEach((row) => {
          row.forEach((value, j) => {
            if (Number.isNaN(value)) row[j] = 0;
          });
        });
        const found = await fitted(users, {
          ownExponent: own,
          otherExponent: other,
          weighting: "cosine",
          shrinkage: 1.5,
          amplification: power,
        });
        expectSame(dense(found), scaled(withoutDiagonal(expected)));
      }),
      { numRuns: 40 },
    );
  });

  it("EASE: -P[i, j] / P[j, j] of a direct inverse, the largest kept, negative ones last", async () => {
    await fc.assert(
      fc.asyncProperty(anyUsers, fc.constantFrom(0.5, 3), async (users, lambda) => {
        const x = incidence(users);
        const gram = multiply(transpose(x, itemCount), x, itemCount).map((row, i) => row.map((value, j) => value + (i === j ? lambda : 0)));
        const inverse = directInverse(gram);
        const expected = inverse.map((row, i) => row.map((value, j) => (i === j ? 0 : -value / inverse[j]![j]!)));
        const found = await fitted(users, { method: "ease", weighting: "cosine", easeLambda: lambda });
        expectProportional(dense(found), expected);
        for (let item = 0; item < itemCount; item++) {
          const row = [...found.similarities.subarray(found.offsets[item], found.offsets[item + 1])];
          expect(row).toEqual([...row].sort((a, b) => b - a));
        }
      }),
      { numRuns: 40 },
    );
    const users = [
      [0, 1, 2],
      [0, 1],
      [2, 3],
      [0, 3],
      [4, 5, 6],
    ];
    const [all, few] = [dense(await fitted(users, { method: "ease" })), dense(await fitted(users, { method: "ease", neighbours: 2 }))];
    const largest = [...all[0]!]
      .map(Math.abs)
      .sort((a, b) => b - a)
      .slice(0, 2);
    expect(few[0]!.filter((value) => value !== 0).length).toBe(2);
    expectProportional([few[0]!], [all[0]!.map((value) => (largest.includes(Math.abs(value)) ? value : 0))]);
  });

  it("EASE refuses a larger catalogue, naming setting and count", async () => {
    const refused = fitted([[0, 1]], { method: "ease", easeItemsMax: 5 });
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", reason: "catalogue_too_large", field: "settings.method" });
    await expect(refused).rejects.toThrow(/7 items, settings.easeItemsMax allows 5/);
  });

  it("keeps the same best neighbours by the heap (few kept of many) as by sorting (many kept)", async () => {
    const wide = 40;
    // Item i occurs in every pair with j when i * j is a multiple of 3, so that rows have ties.
    const pairs = Array.from({ length: wide }, (_, i) => Array.from({ length: i }, (_, j) => [i, j])).flat();
    const users = pairs.filter(([i, j]) => (i! * j!) % 3 === 0);
    const interactions = { ...bought(users), itemCount: wide };
    const by = (neighbours: number): Promise<Neighbours> =>
      fitNeighbours(interactions, 2000, settingsFor({ neighbours }), 0, noProgress, new AbortController().signal);
    const [few, many] = [await by(2), await by(30)];
    for (let item = 0; item < wide; item++) {
      const row = ({ offsets, items }: Neighbours): number[] => [...items.subarray(offsets[item], offsets[item]! + 2)];
      expect(row(few)).toEqual(row(many));
    }
  });

  it("is the same for any number of threads", async () => {
    const users = [
      [0, 1, 2],
      [2, 3],
      [1, 2, 6],
    ];
    expect(await fitted(users, { weighting: "walk" }, 2)).toEqual(await fitted(users, { weighting: "walk" }));
  });

  it("refuses bad settings by name", () => {
    for (const bad of [{ walkAlpha: -1 }, { ownExponent: 5 }, { amplification: 0 }, { weighting: "jaccard" }]) {
      expect(() => settingsFor(bad)).toThrow(new RegExp(Object.keys(bad)[0]!));
    }
  });
});
