/** Cuts of interactions by time, and the one function through which histories are read. */
import { secondsPerWeek } from "#libs/core/clock.ts";
import { eventCode } from "#libs/events/event.ts";
import type { Interactions } from "./interactions.ts";

/** Positions [start, end) of one user's interactions. */
export interface HistoryBounds {
  readonly start: number;
  readonly end: number;
}

/**
 * THE way to read a user's history at a time: what happened strictly before `beforeSeconds`, and nothing else. Every feature, source and
 * label is built on it, so that no example sees its own future. O(log history).
 */
export function historyBefore(interactions: Interactions, user: number, beforeSeconds: number): HistoryBounds {
  const start = interactions.offsets[user]!;
  return { start, end: firstAtOrAfter(interactions.times, start, interactions.offsets[user + 1]!, beforeSeconds) };
}

/** Number of interactions of all users before a time. O(users log history). */
export function countBefore(interactions: Interactions, beforeSeconds: number): number {
  let count = 0;
  for (let user = 0; user < interactions.userCount; user++) {
    const { start, end } = historyBefore(interactions, user, beforeSeconds);
    count += end - start;
  }
  return count;
}

/** A copy with the interactions before a time only; users and items keep their numbers. */
export function sliceBefore(interactions: Interactions, beforeSeconds: number): Interactions {
  const { userCount, itemCount } = interactions;
  const offsets = new Int32Array(userCount + 1);
  const count = countBefore(interactions, beforeSeconds);
  const slice = {
    userCount,
    itemCount,
    offsets,
    items: new Int32Array(count),
    times: new Uint32Array(count),
    types: new Uint8Array(count),
    values: new Float32Array(count),
  };
  for (let user = 0, at = 0; user < userCount; user++) {
    const { start, end } = historyBefore(interactions, user, beforeSeconds);
    slice.items.set(interactions.items.subarray(start, end), at);
    slice.times.set(interactions.times.subarray(start, end), at);
    slice.types.set(interactions.types.subarray(start, end), at);
    slice.values.set(interactions.values.subarray(start, end), at);
    at += end - start;
    offsets[user + 1] = at;
  }
  return slice;
}

/** What users bought in a window: the truth of a label week. */
export interface WindowTruth {
  /** Users with at least one purchase in the window, ascending. */
  readonly users: Int32Array;
  /** [users + 1]: items of `users[i]` are [offsets[i], offsets[i + 1]). */
  readonly offsets: Int32Array;
  /** Distinct items of a user, in the order of their first purchase in the window. */
  readonly items: Int32Array;
}

export interface WindowOptions {
  /** Event codes that count; purchases only when left out. */
  readonly types?: readonly number[];
}

/** Distinct items that each user bought in [from, to). O(users log history + interactions of the window). */
export function interactionsBetween(interactions: Interactions, from: number, to: number, options: WindowOptions = {}): WindowTruth {
  const wanted = new Uint8Array(256);
  for (const type of options.types ?? [eventCode.purchase]) wanted[type] = 1;
  const users: number[] = [];
  const offsets: number[] = [0];
  const items: number[] = [];
  for (let user = 0; user < interactions.userCount; user++) {
    const start = historyBefore(interactions, user, from).end;
    const end = historyBefore(interactions, user, to).end;
    if (start === end) continue;
    const seen = new Set<number>();
    for (let i = start; i < end; i++) if (wanted[interactions.types[i]!] === 1) seen.add(interactions.items[i]!);
    if (seen.size === 0) continue;
    users.push(user);
    for (const item of seen) items.push(item);
    offsets.push(items.length);
  }
  return { users: Int32Array.from(users), offsets: Int32Array.from(offsets), items: Int32Array.from(items) };
}

export interface TimeWindow {
  /** Seconds, included. */
  readonly from: number;
  /** Seconds, excluded. */
  readonly to: number;
}

/** The `k` windows of `seconds` that end at `endSeconds` (excluded), latest first. */
export function lastWindows(endSeconds: number, k: number, seconds: number): TimeWindow[] {
  return Array.from({ length: k }, (_, back) => ({ from: endSeconds - (back + 1) * seconds, to: endSeconds - back * seconds }));
}

export const lastCompleteWeeks = (endSeconds: number, k: number): TimeWindow[] => lastWindows(endSeconds, k, secondsPerWeek);

/** The first midnight (UTC) after the last interaction: data by the day are complete up to there. 0 without interactions. */
export function endOfData(interactions: Interactions): number {
  let last = 0;
  for (let user = 0; user < interactions.userCount; user++) {
    const end = interactions.offsets[user + 1]!;
    if (end > interactions.offsets[user]!) last = Math.max(last, interactions.times[end - 1]!);
  }
  return last === 0 ? 0 : (Math.floor(last / 86_400) + 1) * 86_400;
}

/** First position in [low, high) whose time is not before `seconds`; times ascend inside the range. */
function firstAtOrAfter(times: Uint32Array, low: number, high: number, seconds: number): number {
  let from = low;
  let to = high;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (times[middle]! < seconds) from = middle + 1;
    else to = middle;
  }
  return from;
}
