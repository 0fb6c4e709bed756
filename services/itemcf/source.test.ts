import { describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { createBallot } from "#libs/models/itemcf/ballot.ts";
import { fitNeighbours } from "#libs/models/itemcf/fit.ts";
import { type ItemCfSettings, itemCfSpec } from "#libs/models/itemcf/settings.ts";
import { groupItems, type ItemCfArtifact, type ItemCfQuery, vote } from "#libs/models/itemcf/vote.ts";
import { readSettings } from "#libs/models/settings.ts";
import { interactionsOf } from "#libs/testing/interactions.ts";
import { sourceContract } from "#libs/testing/source-contract.ts";
import { itemcf } from "./source.ts";

sourceContract("itemcf", itemcf, { recallMin: 0.3, answersStrangers: false, fillsFilter: false });

const day = 86_400;
const now = 1000 * day;

/** Purchases by user: [item, days ago], latest last. */
const purchases = (users: readonly (readonly (readonly [number, number])[])[], itemCount: number): Interactions =>
  interactionsOf(
    users.map((events) => events.map(([item, age]) => [item, now - age * day] as const)),
    itemCount,
  );

const plain = { weighting: "cosine", timeDecay: "none", ageHalfLifeDays: 0, earlierFactor: 1, userDegree: "none", shrinkage: 0 };

/** Similarity of j to i divided by that of b to a: free of the common scale. */
async function ratio(
  interactions: Interactions,
  overrides: Record<string, unknown>,
  [i, j]: readonly [number, number],
  [a, b]: readonly [number, number],
  threads = 0,
): Promise<number> {
  const settings = readSettings(itemCfSpec, { ...plain, ...overrides });
  const neighbours = await fitNeighbours(interactions, now, settings, threads, noProgress, new AbortController().signal);
  const similarity = (row: number, column: number): number => {
    const { offsets, items, similarities } = neighbours;
    const at = items.subarray(offsets[row]!, offsets[row + 1]!).indexOf(column);
    return at < 0 ? 0 : similarities[offsets[row]! + at]!;
  };
  return similarity(i, j) / similarity(a, b);
}

describe("itemcf similarities", () => {
  // Item 0: users 0, 1, 2; item 1: users 0, 1; item 2: user 2. All on the day before.
  const basket = purchases(
    [
      [
        [0, 1],
        [1, 1],
      ],
      [
        [0, 1],
        [1, 1],
      ],
      [
        [0, 1],
        [2, 1],
      ],
    ],
    3,
  );

  it("cosine: 2/sqrt(3*2) against 1/sqrt(3*1)", async () => {
    expect(await ratio(basket, {}, [0, 1], [0, 2])).toBeCloseTo(2 / Math.sqrt(6) / (1 / Math.sqrt(3)), 5);
  });

  it("shrinkage is added to the norm", async () => {
    expect(await ratio(basket, { shrinkage: 1 }, [0, 1], [0, 2])).toBeCloseTo(2 / (Math.sqrt(6) + 1) / (1 / (Math.sqrt(3) + 1)), 5);
  });

  it("confidence: 2/3 from item 0, all from item 1", async () => {
    expect(await ratio(basket, { weighting: "confidence" }, [0, 1], [1, 0])).toBeCloseTo(2 / 3, 5);
  });

  it("bm25: popular items saturate by their length", async () => {
    // Lengths 3, 2, 1 with mean 2; k1 1.2, b 0.75; every user has 2 items, so rarity cancels.
    const x = [3, 2, 1].map((n) => 2.2 / (1.2 * (0.25 + (0.75 * n) / 2) + 1));
    expect(await ratio(basket, { weighting: "bm25" }, [0, 1], [0, 2])).toBeCloseTo((2 * x[1]!) / x[2]!, 5);
  });

  it("weighs users by degree: log2(3) against log2(4)", async () => {
    const users = purchases(
      [
        [
          [0, 1],
          [1, 1],
        ],
        [
          [2, 1],
          [3, 1],
          [4, 1],
        ],
      ],
      5,
    );
    // One user each, so that cosine divides the weight out; confidence too. bm25 keeps it, beside rarity ln(1 + 5/n).
    const expected = Math.log(1 + 5 / 2) ** 2 / Math.log2(3) / (Math.log(1 + 5 / 3) ** 2 / Math.log2(4));
    expect(await ratio(users, { weighting: "bm25", userDegree: "log" }, [0, 1], [2, 3])).toBeCloseTo(expected, 5);
  });

  it("decays with the days between: half at the half-life, in both shapes; and prefers what came later", async () => {
    const users = purchases(
      [
        [
          [0, 8],
          [1, 1],
        ],
        [
          [2, 1],
          [3, 1],
        ],
      ],
      4,
    );
    for (const timeDecay of ["exponential", "hyperbolic"]) {
      expect(await ratio(users, { timeDecay, timeDecayHalfLifeDays: 7 }, [0, 1], [2, 3])).toBeCloseTo(0.5, 5);
    }
    expect(await ratio(users, { earlierFactor: 0.25 }, [1, 0], [0, 1])).toBeCloseTo(0.25, 5);
  });

  it("lets old pairs fade in counts, not in norms of the same age", async () => {
    const users = purchases(
      [
        [
          [0, 0],
          [1, 0],
        ],
        [
          [0, 10],
          [2, 10],
        ],
      ],
      3,
    );
    // x² is 1 and 1/2: S01 = 1, S02 = 1/2, Q0 = 1.5, Q1 = 1, Q2 = 1/2.
    expect(await ratio(users, { ageHalfLifeDays: 10 }, [0, 1], [0, 2])).toBeCloseTo(1 / (0.5 / Math.sqrt(0.5)), 5);
  });

  it("does not depend on the number of threads, and keeps a user's latest items only", async () => {
    expect(await ratio(basket, {}, [0, 1], [0, 2], 2)).toBeCloseTo(Math.SQRT2, 5);
    const long = purchases(
      [
        [
          [0, 9],
          [1, 2],
          [2, 1],
        ],
        [
          [0, 9],
          [2, 9],
        ],
      ],
      3,
    );
    expect(await ratio(long, { maxHistory: 2 }, [0, 1], [0, 2])).toBe(0);
  });
});

describe("itemcf votes", () => {
  // Item 0 has neighbour 1 (1.0) and 2 (0.5); items 0 and 3 are one product.
  const settings: ItemCfSettings = readSettings(itemCfSpec, {
    recencyHalfLifeDays: 10,
    rankDecay: 0.5,
    repurchaseSimilarity: 0.25,
    repurchaseHalfLifeDays: 10,
    sameProductSimilarity: 0.75,
  });
  const sales = Float32Array.of(1, 1, 1, 2);
  const artifact: ItemCfArtifact = {
    settings,
    neighbours: { offsets: Int32Array.of(0, 2, 2, 3, 3), items: Int32Array.of(1, 2, 1), similarities: Float32Array.of(1, 0.5, 1) },
    groups: groupItems(Int32Array.of(0, -1, -1, 0), 1, sales),
    sales,
    sessions: null,
    ballot: createBallot(4),
  };
  const query = (events: readonly (readonly [number, number, number])[], seeds: readonly number[] = []): ItemCfQuery => ({
    limit: 10,
    nowSeconds: now,
    items: Int32Array.from(events, ([item]) => item),
    times: Float64Array.from(events, ([, age]) => now - age * day),
    types: Uint8Array.from(events, ([, , type]) => type),
    seeds: Int32Array.from(seeds),
    allowed: null,
  });
  const answer = (
    events: readonly (readonly [number, number, number])[],
    seeds: readonly number[] = [],
  ): [number, string, number, number][] => {
    const { items, scores, reasons, because } = vote(artifact, query(events, seeds));
    return [...items].map((item, c) => [item, itemcf.reasons[reasons[c]!]!, scores[c]!, because[c]!]);
  };

  it("adds neighbours, the same product and the item itself, all halved after ten days", () => {
    expect(answer([[0, 10, 3]])).toEqual([
      [1, "bought_together", 0.5, 0],
      [3, "same_product", 0.375, 0],
      [2, "bought_together", 0.25, 0],
      [0, "repurchase", 0.125, 0],
    ]);
  });

  it("votes less by rank, and counts a repurchase twice when it happened twice", () => {
    // Latest: item 2 (view, 0.1) votes for 1; then item 0 (weight 1, rank decay 0.5), bought twice today.
    const found = new Map(
      answer([
        [0, 0, 3],
        [0, 0, 3],
        [2, 0, 1],
      ]).map(([item, , score]) => [item, score]),
    );
    expect(found.get(1)).toBeCloseTo(0.1 + 0.5, 6);
    expect(found.get(0)).toBeCloseTo(0.5, 6);
  });

  it("lets a dislike speak against its neighbours and itself", () => {
    expect(
      answer([
        [0, 0, 3],
        [0, 0, 5],
      ]),
    ).toEqual([]);
  });

  it("forgets what was removed from the cart", () => {
    expect(
      answer([
        [0, 1, 2],
        [0, 0, 6],
      ]),
    ).toEqual([]);
  });

  it("answers seeds from the seeds alone", () => {
    expect(answer([[2, 0, 3]], [0]).map(([item, reason]) => [item, reason])).toEqual([
      [1, "bought_together"],
      [3, "same_product"],
      [2, "bought_together"],
    ]);
  });
});
