/** What a record of served features says of the live counters, and back: `modiste skew` computes the features again from it. */

import type { LiveItem, LiveView, ReleaseCounts } from "#libs/features/live-counts.ts";
import type { FeatureRows } from "#libs/serve/ranker.ts";
import type { LiveCounts } from "#protos/ranker.ts";

/** `items` and `positions` of the rows, in the same order. */
export function liveCountsToProto(
  { view, segmentTotals }: NonNullable<FeatureRows["live"]>,
  items: readonly number[],
  positions: readonly number[],
): LiveCounts {
  return {
    today: view.today,
    segmentTotals: [...segmentTotals],
    items: items.flatMap((item, i) => {
      const live = view.added[item];
      if (live === undefined) return [];
      return [{ ...live, position: positions[i]!, keys: [...live.keys], counts: [...live.counts] }];
    }),
  };
}

/** `itemAt`: the release's item at a position of the request; items that it does not know are left out. */
export function liveViewOf(live: LiveCounts, release: ReleaseCounts, itemAt: (position: number) => number | undefined): LiveView {
  const added: (LiveItem | undefined)[] = new Array(release.itemCount).fill(undefined);
  for (const { position, keys, counts, firstSaleSeconds, lastSaleSeconds, lastPrice } of live.items) {
    const item = itemAt(position);
    if (item === undefined) continue;
    added[item] = { keys: Uint32Array.from(keys), counts: Uint32Array.from(counts), firstSaleSeconds, lastSaleSeconds, lastPrice };
  }
  const { itemCount, endSeconds, recent } = release;
  return { itemCount, endSeconds, recent, today: live.today, added, segmentTotals: Float64Array.from(live.segmentTotals) };
}
