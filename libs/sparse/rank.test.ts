import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "#libs/core/random.ts";
import { type FactorRanking, type RankedLists, rankByFactors, rankByScores, type SeenItems } from "./rank.ts";

const signal = new AbortController().signal;

/** Small whole factors, so that sums are exact and ties are many. */
function example(users: number, items: number, d: number, k: number, seed: number): FactorRanking {
  const random = createRandom(seed, "factors");
  const whole = (length: number) => Float32Array.from({ length }, () => random.below(5) - 2);
  const offsets = [0];
  const indices: number[] = [];
  for (let user = 0; user < users; user++) {
    for (let item = 0; item < items; item++) if (random.next() < 0.2) indices.push(item);
    offsets.push(indices.length);
  }
  const seen = { offsets: Int32Array.from(offsets), indices: Int32Array.from(indices) };
  return { users: whole(users * d), items: whole(items * d), d, seen, k };
}

function score({ users, items, d }: FactorRanking, user: number, item: number): number {
  let sum = 0;
  for (let c = 0; c < d; c++) sum += users[user * d + c]! * items[item * d + c]!;
  return sum;
}

/** Sort, then slice. */
function reference(ranking: FactorRanking, user: number): number[] {
  const { offsets, indices } = ranking.seen;
  const seen = new Set(indices.subarray(offsets[user], offsets[user + 1]));
  return Array.from({ length: ranking.items.length / ranking.d }, (_, item) => item)
    .filter((item) => !seen.has(item))
    .sort((a, b) => score(ranking, user, b) - score(ranking, user, a) || a - b)
    .slice(0, ranking.k);
}

const listOf = ({ items, counts, k }: RankedLists, user: number): number[] => [...items.subarray(user * k, user * k + counts[user]!)];

const sizes = fc.record({
  users: fc.integer({ min: 1, max: 70 }),
  items: fc.integer({ min: 1, max: 600 }),
  quarter: fc.integer({ min: 1, max: 5 }),
  k: fc.integer({ min: 1, max: 30 }),
  seed: fc.nat(),
});

describe("exact ranking", () => {
  it("by factors equals sorting every score and cutting, ties by the lower item, without seen items", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async ({ users, items, quarter, k, seed }) => {
        const ranking = example(users, items, quarter * 4, k, seed);
        const lists = await rankByFactors(ranking, 0, signal);
        for (let user = 0; user < users; user++) {
          expect(listOf(lists, user)).toEqual(reference(ranking, user));
          expect(lists.scores[user * lists.k]).toBe(lists.counts[user] === 0 ? 0 : score(ranking, user, lists.items[user * lists.k]!));
        }
      }),
      { numRuns: 40 },
    );
  });

  it("by scores equals the same, and never lists NaN or minus infinity", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async ({ users, items, quarter, k, seed }) => {
        const ranking = example(users, items, quarter * 4, k, seed);
        const fill = (user: number, out: Float32Array): void => {
          for (let item = 0; item < items; item++) out[item] = score(ranking, user, item);
        };
        const lists = await rankByScores(items, ranking.seen, k, fill, signal);
        for (let user = 0; user < users; user++) expect(listOf(lists, user)).toEqual(reference(ranking, user));
      }),
      { numRuns: 40 },
    );
    const nothing: SeenItems = { offsets: Int32Array.of(0, 0), indices: new Int32Array(0) };
    const odd = await rankByScores(4, nothing, 4, (_, out) => out.set([Number.NaN, 1, Number.NEGATIVE_INFINITY, 2]), signal);
    expect(listOf(odd, 0)).toEqual([3, 1]);
  });

  it("on worker threads gives the same lists", async () => {
    const ranking = example(70, 300, 8, 10, 3);
    expect(await rankByFactors(ranking, 2, signal)).toEqual(await rankByFactors(ranking, 0, signal));
  });

  it("stops when aborted", async () => {
    await expect(rankByFactors(example(4, 4, 4, 2, 1), 0, AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
  });
});
