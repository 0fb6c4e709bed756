/**
 * Full ranking: every user's exact list over the whole catalogue, what the user had before left out, measured by the metrics of this folder.
 * Lists come from factors or from any scoring function (libs/sparse/rank.ts); of equal scores the lower item comes first.
 */

import { metrics } from "#libs/evaluation/metrics/index.ts";
import type { RankedLists, SeenItems } from "#libs/sparse/rank.ts";

export { type FactorRanking, type RankedLists, rankByFactors, rankByScores, type SeenItems } from "#libs/sparse/rank.ts";

/** Mean of each metric at k over the users who have something to find, by name ("recall@20"), and their number as `users`. */
export function measureLists(lists: RankedLists, relevant: SeenItems, k: number): Readonly<Record<string, number>> {
  const sums = metrics.map(() => 0);
  let users = 0;
  for (let user = 0; user + 1 < relevant.offsets.length; user++) {
    const wanted = new Set(relevant.indices.subarray(relevant.offsets[user], relevant.offsets[user + 1]));
    if (wanted.size === 0) continue;
    const list = lists.items.subarray(user * lists.k, user * lists.k + lists.counts[user]!);
    metrics.forEach((metric, m) => {
      sums[m]! += metric.of(list, wanted, k) ?? 0;
    });
    users++;
  }
  return Object.fromEntries([...metrics.map(({ name }, m) => [`${name}@${k}`, sums[m]! / users] as const), ["users", users] as const]);
}
