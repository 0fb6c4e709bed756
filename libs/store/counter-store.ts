/** The port of the live counters: integer counts by item in buckets of hours and days, a shard for each partition of the bus. */

import type { EventType } from "#libs/events/event.ts";
import type { OffsetSpan } from "./profile-store.ts";

/** One event as it is counted. */
export interface CountedEvent {
  readonly offset: number;
  readonly itemId: string;
  readonly type: EventType;
  /** Segment of the user, an index of `segmentNames`. */
  readonly segment: number;
  /** Seconds since 1970 UTC. */
  readonly timeSeconds: number;
  /** Price paid for one piece, 0 when it is not known. */
  readonly value: number;
}

/** Events of one item, kind and segment within an hour or a day. */
export interface CountBucket {
  /** Start of the hour or day (UTC), seconds since 1970. */
  readonly startSeconds: number;
  readonly spanSeconds: typeof hourSeconds | typeof daySeconds;
  readonly type: EventType;
  readonly segment: number;
  readonly count: number;
}

/** What is counted of one item over all shards. */
export interface ItemCounts {
  readonly itemId: string;
  /** Days, and hours of the latest `hoursKept`: both count the same events. */
  readonly buckets: readonly CountBucket[];
  /** Times of the first and last purchase, seconds since 1970 UTC, 0 without any. */
  readonly firstSaleSeconds: number;
  readonly lastSaleSeconds: number;
  /** Price of the last purchase that says one, 0 without any. */
  readonly lastPrice: number;
}

export const hourSeconds = 3600;
export const daySeconds = 86_400;
/** Buckets older than this before the newest of their shard may be dropped. */
export const hoursKept = 48;
/** Two windows of 28 days and the day that has begun. */
export const daysKept = 57;

export interface CounterChanges {
  /** Where the next call goes on. */
  readonly cursor: string;
  readonly items: readonly ItemCounts[];
}

export interface CounterStore {
  /**
   * Counts the events and moves the shard's offset in one atomic step; offsets below the held one are left out, so a repeated call changes nothing.
   * Throws `failed_precondition` "position_lost" when the shard stands before `from`.
   */
  add(partition: string, events: readonly CountedEvent[], span: OffsetSpan): Promise<void>;
  /** Where to go on with a partition; 0 for one that was never counted. */
  position(partition: string): Promise<number>;
  /** Items whose counts changed since the cursor was given, at most some thousands a call; "" for all. A cursor of a store that lost writes begins anew. */
  changes(cursor: string): Promise<CounterChanges>;
  close(): Promise<void>;
}
