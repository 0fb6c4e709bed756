/** Candidate lists of the made-up shop with what was taken of them, for tests of rankers. */

import { historyBefore } from "#libs/data/splits.ts";
import { catalogAsOf, countItems, type ItemStatistics } from "#libs/features/item-statistics.ts";
import type { LabelledQuery, RankQuery } from "#libs/serve/ranker.ts";
import { createFixtureShop, fixtureClusters } from "#libs/testing/fixture.ts";

export const shop = createFixtureShop();
export const sources = ["itemcf", "noise"];
export const statistics: ItemStatistics = countItems(shop.interactions, shop.users, shop.nowSeconds);
export const catalog = catalogAsOf(shop.catalog, statistics);

/** Forty candidates: what the user will take, and others; `itemcf` knows the user's cluster, `noise` nothing. */
export function labelled(user: number): LabelledQuery {
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
