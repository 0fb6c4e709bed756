/** What models read of a request and answer to it. The types are parts of those of libs/serve/source.ts, which stands above. */

import { secondsPerDay } from "#libs/core/clock.ts";
import { eventCode } from "#libs/events/event.ts";

/** A subject's events, ascending by time; columns of equal length. */
export interface SubjectEvents {
  readonly nowSeconds: number;
  /** Dense item indexes. */
  readonly items: Int32Array;
  readonly times: Float64Array;
  /** `eventCode` values. */
  readonly types: Uint8Array;
}

export interface AllowedRows {
  readonly mask: Uint8Array;
  /** Ascending. */
  readonly items: Int32Array;
}

/** What is allowed of the first `count` items: those that a release knows. */
export function ownRows(allowed: AllowedRows | null, count: number): AllowedRows | null {
  if (allowed === null || allowed.mask.length <= count) return allowed;
  let end = allowed.items.length;
  while (end > 0 && allowed.items[end - 1]! >= count) end--;
  return { mask: allowed.mask.subarray(0, count), items: allowed.items.subarray(0, end) };
}

/** Best first. */
export interface CandidateColumns {
  readonly items: Int32Array;
  readonly scores: Float32Array;
  readonly reasons: Uint8Array;
  readonly because: Int32Array;
}

export const noCandidates: CandidateColumns = {
  items: new Int32Array(0),
  scores: new Float32Array(0),
  reasons: new Uint8Array(0),
  because: new Int32Array(0),
};

export interface RecencySettings {
  /** Most distinct items that vote. */
  readonly historyItems: number;
  /** Days after which an event counts half; 0: no decay. */
  readonly recencyHalfLifeDays: number;
}

/** Distinct items that speak for what to show next, latest first. */
export interface RecentItems {
  readonly items: Int32Array;
  /** Weight of the best event, decayed by its age; above 0. */
  readonly weights: Float32Array;
  /** Items whose latest opinion is a dislike: never to be shown. */
  readonly disliked: Int32Array;
}

/** 2^(-age / halfLife); 1 for a half-life of 0 and for events of the future. */
export function decay(ageDays: number, halfLifeDays: number): number {
  return halfLifeDays > 0 && ageDays > 0 ? 2 ** (-ageDays / halfLifeDays) : 1;
}

/**
 * The last distinct items with positive weight. A dislike that no later purchase, like or cart contradicts takes its item out; a removal
 * undoes carts and views before it, not purchases. O(events).
 */
export function recentItems(events: SubjectEvents, weights: Float64Array, settings: RecencySettings): RecentItems {
  const best = new Map<number, number>();
  const removed = new Set<number>();
  const disliked = new Set<number>();
  for (let e = events.items.length - 1; e >= 0; e--) {
    const item = events.items[e]!;
    const type = events.types[e]!;
    if (disliked.has(item)) continue;
    if (type === eventCode.dislike) {
      if (!best.has(item)) disliked.add(item);
      continue;
    }
    if (type === eventCode.remove) removed.add(item);
    if (removed.has(item) && type !== eventCode.purchase && type !== eventCode.like) continue;
    const age = (events.nowSeconds - events.times[e]!) / secondsPerDay;
    const weight = weights[type]! * decay(age, settings.recencyHalfLifeDays);
    const known = best.get(item);
    if (known === undefined && best.size === settings.historyItems) continue;
    if (weight > (known ?? 0)) best.set(item, weight);
  }
  return { items: Int32Array.from(best.keys()), weights: Float32Array.from(best.values()), disliked: Int32Array.from(disliked) };
}

/** Seeds as if each were the latest event. */
export function seedItems(seeds: Int32Array): RecentItems {
  const items = Int32Array.from(new Set(seeds));
  return { items, weights: new Float32Array(items.length).fill(1), disliked: new Int32Array(0) };
}
