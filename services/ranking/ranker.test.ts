import { beforeAll, describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { historyBefore } from "#libs/data/splits.ts";
import { catalogAsOf, countItems, type ItemStatistics } from "#libs/features/item-statistics.ts";
import type { PartReader } from "#libs/release/part.ts";
import type { LabelledQuery, RankQuery } from "#libs/serve/ranker.ts";
import { createFixtureShop, fixtureClusters } from "#libs/testing/fixture.ts";
import { createMemoryPart } from "#libs/testing/memory-part.ts";
import { type LogisticRanker, ranker } from "./ranker.ts";

const shop = createFixtureShop();
const sources = ["itemcf", "noise"];
const statistics: ItemStatistics = countItems(shop.interactions, shop.users, shop.nowSeconds);
const catalog = catalogAsOf(shop.catalog, statistics);

/** Forty candidates: what the user will take, and others; `itemcf` knows the user's cluster, `noise` nothing. */
function labelled(user: number): LabelledQuery {
  const taken = new Set(shop.future[user]!);
  const candidates = Int32Array.from(
    new Set([...taken, ...Array.from({ length: 40 }, (_, i) => (user * 7 + i * 3) % shop.catalog.itemCount)]),
  ).sort();
  const own = [...taken][0]! % fixtureClusters;
  const liked = Array.from(candidates, (item) => (item % fixtureClusters === own ? 1 : 0));
  const { start, end } = historyBefore(shop.interactions, user, shop.nowSeconds);
  const { items, times, types } = shop.interactions;
  const query: RankQuery = {
    candidates,
    sources: [
      { source: "itemcf", scores: liked, ranks: liked.map((like, i) => (like ? (i % 5) + 1 : 0)) },
      { source: "noise", scores: liked.map((_, i) => i % 3), ranks: liked.map((_, i) => (i % 3 ? i + 1 : 0)) },
    ],
    events: { items: items.slice(start, end), times: times.slice(start, end), types: types.slice(start, end) },
    attributes: new Map(),
    nowSeconds: shop.nowSeconds,
  };
  return { query, labels: Uint8Array.from(candidates, (item) => (taken.has(item) ? 1 : 0)), taken: taken.size };
}

const teaching = Array.from({ length: 200 }, (_, user) => labelled(user));
const unseen = Array.from({ length: 100 }, (_, i) => labelled(200 + i));

async function fitted(): Promise<PartReader> {
  const part = createMemoryPart("ranking");
  const weeks = [{ nowSeconds: shop.nowSeconds, catalog, statistics, queries: teaching }];
  const signal = new AbortController().signal;
  await ranker.fit({ weeks, sources, serving: { catalog, statistics }, seed: 3, part, progress: noProgress, signal });
  return part.reader();
}

let part: PartReader;
let artifact: LogisticRanker;
beforeAll(async () => {
  part = await fitted();
  artifact = await ranker.load({ part, catalog });
});

/** Share of (taken, other) pairs of one query that are in the right order. */
function rightPairs({ query, labels }: LabelledQuery, scores: Float64Array): number {
  const of = (label: number): number[] => [...query.candidates.keys()].filter((i) => labels[i] === label);
  const pairs = of(1).flatMap((taken) => of(0).map((other) => (scores[taken]! > scores[other]! ? 1 : 0) as number));
  return pairs.reduce((sum, right) => sum + right, 0) / pairs.length;
}

describe("the logistic ranker", () => {
  it("ranks what users took above what they did not, for users that it never saw", () => {
    const shares = unseen.map((each) => rightPairs(each, ranker.score(artifact, each.query)));
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeGreaterThan(0.8);
  });

  it("gives one finite score a candidate, also without sources, events and attributes", () => {
    const { query } = unseen[0]!;
    const none = { items: new Int32Array(0), times: [], types: [] };
    for (const bare of [query, { ...query, sources: [] }, { ...query, events: none, sources: [] }]) {
      const scores = ranker.score(artifact, bare);
      expect(scores.length).toBe(query.candidates.length);
      expect(scores.every(Number.isFinite)).toBe(true);
    }
  });

  it("does not depend on the order of candidates or sources", () => {
    const { query } = unseen[1]!;
    const scores = ranker.score(artifact, query);
    const turn = <T>(list: ArrayLike<T>): T[] => Array.from(list).reverse();
    const turned = ranker.score(artifact, {
      ...query,
      candidates: Int32Array.from(turn(query.candidates)),
      sources: turn(query.sources).map((column) => ({ ...column, scores: turn(column.scores), ranks: turn(column.ranks) })),
    });
    expect(turn(turned)).toEqual([...scores]);
  });

  it("is the same when it is fitted again", async () => {
    const again = await ranker.load({ part: await fitted(), catalog });
    expect(again.model).toEqual(artifact.model);
  });

  it("refuses a part that was trained on other features than this code computes", async () => {
    const renamed: PartReader = { ...part, meta: () => ({ ...part.meta(), feature_hash: "0".repeat(64) }) };
    await expect(ranker.load({ part: renamed, catalog })).rejects.toMatchObject({ code: "failed_precondition", reason: "feature_hash" });
    const otherSources: PartReader = { ...part, meta: () => ({ ...part.meta(), sources: ["itemcf"] }) };
    await expect(ranker.load({ part: otherSources, catalog })).rejects.toMatchObject({ reason: "feature_hash" });
  });

  it("stops when it is told to", async () => {
    const weeks = [{ nowSeconds: shop.nowSeconds, catalog, statistics, queries: teaching }];
    const stopped = ranker.fit({
      weeks,
      sources,
      serving: { catalog, statistics },
      seed: 3,
      part: createMemoryPart(),
      progress: noProgress,
      signal: AbortSignal.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
  });
});
