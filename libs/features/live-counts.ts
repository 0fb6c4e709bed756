/**
 * What live counts add to a release's own, which stop at the end of its data. Windows are made of whole days (UTC): that of w days holds the day
 * that has begun and the w days before, so at midnight it is what training counts at that instant.
 *
 * A day that lies behind the end counts live, one that lies before it as the data have it. Of the day that the end falls into each count is the larger of
 * the two: no event counts twice, and all count where the whole day came over the bus.
 */

import { secondsPerDay } from "#libs/core/clock.ts";
import { type DayCounts, dayOf, dayOfKey, daysOfItem, type ItemDays, isCounted, typeOfKey } from "./day-counts.ts";

/** What is counted live of one item, whatever a release knows. */
export interface LiveItem extends ItemDays {
  /** Seconds since 1970 UTC of the first and last purchase, 0 without any. */
  readonly firstSaleSeconds: number;
  readonly lastSaleSeconds: number;
  /** Price of the last purchase that says one, 0 without any. */
  readonly lastPrice: number;
}

/** Where a release's own counts stop. */
export interface ReleaseCounts {
  readonly itemCount: number;
  readonly endSeconds: number;
  /** The latest days before the end; null in releases that do not have them: then what they counted does not age, and the day of the end counts as the data have it. */
  readonly recent: DayCounts | null;
}

/** Live counts beside a release, as of one moment; never changed. */
export interface LiveView extends ReleaseCounts {
  /** The day that has begun: that of the serving instant, or the one after the latest event where that is earlier, so that a quiet bus empties no window. */
  readonly today: number;
  /** What comes on top of the release, [items]; undefined where nothing does. */
  readonly added: readonly (LiveItem | undefined)[];
  /** Purchases of the last 28 days by segment, and their sum, where `added` does not hold every item; null where it does. */
  readonly segmentTotals: Float64Array | null;
}

/** What `live` adds to the release's counts of the item; undefined for nothing. */
export function addedCounts(item: number, live: LiveItem, { recent, endSeconds }: ReleaseCounts): LiveItem | undefined {
  const straddled = endSeconds % secondsPerDay === 0 ? -1 : dayOf(endSeconds);
  const firstDay = Math.ceil(endSeconds / secondsPerDay);
  const own = recent === null ? null : daysOfItem(recent, item);
  const keys: number[] = [];
  const counts: number[] = [];
  live.keys.forEach((key, i) => {
    const day = dayOfKey(key);
    if (!isCounted(typeOfKey(key)) || (day < firstDay && (day !== straddled || own === null))) return;
    const at = day === straddled ? own!.keys.indexOf(key) : -1;
    const more = live.counts[i]! - (at < 0 ? 0 : own!.counts[at]!);
    if (more <= 0) return;
    keys.push(key);
    counts.push(more);
  });
  if (keys.length === 0) return undefined;
  const sold = live.lastSaleSeconds >= endSeconds;
  return {
    keys: Uint32Array.from(keys),
    counts: Uint32Array.from(counts),
    firstSaleSeconds: sold ? live.firstSaleSeconds : 0,
    lastSaleSeconds: sold ? live.lastSaleSeconds : 0,
    lastPrice: sold ? live.lastPrice : 0,
  };
}

/** Null where nothing comes on top: then the release's own figures stand as they were made. `nowSeconds`: the serving instant. */
export function createLiveView(release: ReleaseCounts, added: readonly (LiveItem | undefined)[], nowSeconds: number): LiveView | null {
  const now = dayOf(nowSeconds);
  let newest = -1;
  for (const item of added) {
    if (item === undefined) continue;
    for (const key of item.keys) {
      const day = dayOfKey(key);
      if (day <= now && day > newest) newest = day;
    }
  }
  if (newest < 0) return null;
  return { ...release, today: Math.min(now, newest + 1), added, segmentTotals: null };
}

/** Whether the release's own windows are not those of the view's day any more, and can be counted again. */
export const isAged = ({ recent, today, endSeconds }: LiveView): boolean => recent !== null && today * secondsPerDay !== endSeconds;

/** Calls `visit` for each bucket up to the view's day. */
export function visitDays({ keys, counts }: ItemDays, today: number, visit: (key: number, ageDays: number, count: number) => void): void {
  for (let at = 0; at < keys.length; at++) {
    const age = today - dayOfKey(keys[at]!);
    if (age >= 0) visit(keys[at]!, age, counts[at]!);
  }
}
