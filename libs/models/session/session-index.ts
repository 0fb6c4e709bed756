/** Sessions of the past and, by item, the latest of them: what the rules look things up in. */

import { secondsPerDay } from "#libs/core/clock.ts";
import { assert } from "#libs/core/errors.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import type { SessionSettings } from "#libs/models/session/settings.ts";
import type { Pace } from "#libs/sparse/pace.ts";

/** Session s is [offsets[s], offsets[s + 1]), in order; sessions from the oldest to the youngest. */
export interface SessionColumns {
  /** [sessions + 1]. */
  readonly offsets: Int32Array;
  readonly items: Int32Array;
  /** Days from the session to the fit, [sessions]. */
  readonly ages: Float32Array;
}

/** 4 bytes an event, 5 a posting (at most one an event), 8 a session, 8 an item: 500,000 sessions of 5 events take 27 MB. */
export interface SessionIndex extends SessionColumns {
  /** Sessions that have item i, youngest first, are [postingOffsets[i], postingOffsets[i + 1]); at most `sessionPostings`. */
  readonly postingOffsets: Int32Array;
  readonly postingSessions: Int32Array;
  /** Place of the item's last event inside the session, aligned with the sessions. */
  readonly postingPlaces: Uint8Array;
  /** Sessions that have the item, those left out of the postings included, [items]. */
  readonly sessionCounts: Int32Array;
}

/** Share of events with a time of day from which `sessions: auto` takes the data for ordered inside a day. */
const timedShareMin = 0.5;

/** Whether sessions are to be learned. Data of whole days, such as H&M's, have baskets and no order. O(events). */
export function wantsSessions(interactions: Interactions, settings: SessionSettings): boolean {
  if (settings.sessions !== "auto") return settings.sessions === "on";
  let timed = 0;
  for (const time of interactions.times) if (time % secondsPerDay !== 0) timed++;
  return timed > interactions.times.length * timedShareMin;
}

/**
 * The latest `sessionsMax` sessions of two events and more, by their last event (ties by user). Events of weight 0 (`weights` by event code) are
 * not seen; a pause over `sessionGapMinutes` ends a session. O(events + sessions log sessions).
 */
export async function collectSessions(
  interactions: Interactions,
  nowSeconds: number,
  weights: Float64Array,
  settings: SessionSettings,
  pace: Pace,
): Promise<SessionColumns> {
  const { userCount, offsets, items, times, types } = interactions;
  const gapSeconds = settings.sessionGapMinutes * 60;
  const events = new Int32Array(items.length);
  let held = 0;
  const starts: number[] = [];
  const ends: number[] = [];
  const close = (from: number): void => {
    if (held - from < 2) held = from;
    else {
      starts.push(Math.max(from, held - settings.sessionItemsMax));
      ends.push(held);
    }
  };
  for (let user = 0; user < userCount; user++) {
    let from = held;
    for (let e = offsets[user]!; e < offsets[user + 1]!; e++) {
      if (weights[types[e]!] === 0) continue;
      if (held > from && times[e]! - times[events[held - 1]!]! > gapSeconds) {
        close(from);
        from = held;
      }
      events[held++] = e;
    }
    close(from);
    if (user % 1000 === 0 && pace.due()) await pace.turn();
  }
  const endTime = (session: number): number => times[events[ends[session]! - 1]!]!;
  const order = Uint32Array.from(starts.keys()).sort((a, b) => endTime(a) - endTime(b) || a - b);
  const kept = order.subarray(Math.max(0, order.length - settings.sessionsMax));
  const length = kept.reduce((sum, session) => sum + ends[session]! - starts[session]!, 0);
  const columns = { offsets: new Int32Array(kept.length + 1), items: new Int32Array(length), ages: new Float32Array(kept.length) };
  let next = 0;
  kept.forEach((session, s) => {
    for (let at = starts[session]!; at < ends[session]!; at++) columns.items[next++] = items[events[at]!]!;
    columns.offsets[s + 1] = next;
    columns.ages[s] = Math.max(0, (nowSeconds - endTime(session)) / secondsPerDay);
  });
  return columns;
}

/** Posting lists of the sessions, at most `sessionPostings` an item. Sessions longer than 255 events are a fault of the caller. O(events). */
export function indexSessions(columns: SessionColumns, itemCount: number, settings: SessionSettings): SessionIndex {
  const { offsets, items } = columns;
  const sessionCount = offsets.length - 1;
  const sessionCounts = new Int32Array(itemCount);
  /** The last session that counted the item. */
  const counted = new Int32Array(itemCount).fill(-1);
  for (let s = 0; s < sessionCount; s++) {
    assert(offsets[s + 1]! - offsets[s]! <= 255, "sessions: a session is longer than 255 events");
    for (let e = offsets[s]!; e < offsets[s + 1]!; e++) {
      const item = items[e]!;
      if (counted[item] === s) continue;
      counted[item] = s;
      sessionCounts[item]!++;
    }
  }
  const postingOffsets = new Int32Array(itemCount + 1);
  for (let item = 0; item < itemCount; item++) {
    postingOffsets[item + 1] = postingOffsets[item]! + Math.min(sessionCounts[item]!, settings.sessionPostings);
  }
  const postingSessions = new Int32Array(postingOffsets[itemCount]!);
  const postingPlaces = new Uint8Array(postingSessions.length);
  const next = postingOffsets.slice(0, itemCount);
  counted.fill(-1);
  for (let s = sessionCount - 1; s >= 0; s--) {
    for (let e = offsets[s + 1]! - 1; e >= offsets[s]!; e--) {
      const item = items[e]!;
      if (counted[item] === s || next[item] === postingOffsets[item + 1]) continue;
      counted[item] = s;
      postingSessions[next[item]!] = s;
      postingPlaces[next[item]!++] = e - offsets[s]!;
    }
  }
  return { ...columns, postingOffsets, postingSessions, postingPlaces, sessionCounts };
}
