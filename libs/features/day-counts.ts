/** Counts of events by item, day, type and segment: what windows are made of that move on after a release was made. */

import { secondsPerDay } from "#libs/core/clock.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { eventCode } from "#libs/events/event.ts";

/** Buckets of one item, ascending by key; both columns have one length. */
export interface ItemDays {
  /** `dayKey` values. */
  readonly keys: Uint32Array;
  readonly counts: Uint32Array;
}

/** Buckets of all items: those of item i are [offsets[i], offsets[i + 1]). */
export interface DayCounts extends ItemDays {
  /** [items + 1]. */
  readonly offsets: Int32Array;
}

/** Two windows of 28 days and the day that has begun. */
export const daysCounted = 57;

const segmentsMax = 8;
const typesMax = 8;
const perDay = segmentsMax * typesMax;

/** `day` since 1970 UTC, `type` an `eventCode`, `segment` an index of `segmentNames`. */
export const dayKey = (day: number, type: number, segment: number): number => day * perDay + type * segmentsMax + segment;
export const dayOfKey = (key: number): number => Math.floor(key / perDay);
export const typeOfKey = (key: number): number => Math.floor(key / segmentsMax) % typesMax;
export const segmentOfKey = (key: number): number => key % segmentsMax;

/** Day that holds the instant, since 1970 UTC. */
export const dayOf = (seconds: number): number => Math.floor(seconds / secondsPerDay);

/** Events that speak for an item; dislikes and removals are counted nowhere. */
export const isCounted = (type: number): boolean => type >= eventCode.view && type <= eventCode.like;

/** What lies strictly before `endSeconds`, of the latest `daysCounted` days; `segments` is [users]. O(interactions), plus sorting those days' events. */
export function countDays(interactions: Interactions, segments: Uint8Array, endSeconds: number): DayCounts {
  const { itemCount, userCount, offsets, items, times, types } = interactions;
  const firstDay = dayOf(endSeconds) - daysCounted + 1;
  const counts = new Map<number, number>();
  const keysPerItem = (dayOf(endSeconds) + 1) * perDay;
  for (let user = 0; user < userCount; user++) {
    for (let at = offsets[user]!; at < offsets[user + 1]!; at++) {
      const time = times[at]!;
      if (time >= endSeconds || dayOf(time) < firstDay || !isCounted(types[at]!)) continue;
      const key = items[at]! * keysPerItem + dayKey(dayOf(time), types[at]!, segments[user]!);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const sorted = Float64Array.from(counts.keys()).sort();
  const starts = new Int32Array(itemCount + 1);
  for (const key of sorted) starts[Math.floor(key / keysPerItem) + 1]!++;
  for (let item = 0; item < itemCount; item++) starts[item + 1]! += starts[item]!;
  return {
    offsets: starts,
    keys: Uint32Array.from(sorted, (key) => key % keysPerItem),
    counts: Uint32Array.from(sorted, (key) => counts.get(key)!),
  };
}

/** The buckets of one item, as views. */
export function daysOfItem({ offsets, keys, counts }: DayCounts, item: number): ItemDays {
  const [start, end] = [offsets[item]!, offsets[item + 1]!];
  return { keys: keys.subarray(start, end), counts: counts.subarray(start, end) };
}
