/** A profile holds events, nothing derived. */

import { type Event, eventCode, type History } from "#libs/events/event.ts";
import type { LogPlace } from "#libs/events/log-entry.ts";

export interface HeldEvent {
  /** The producer's id; empty for seeded history. */
  readonly eventId: string;
  readonly itemId: string;
  /** `eventCode` value. */
  readonly type: number;
  /** Seconds since 1970 UTC. */
  readonly timeSeconds: number;
  readonly value: number;
}

/** What is left of a subject that asked to be forgotten. */
export interface Erasure {
  /** The id of the latest one; ids ascend with time. */
  readonly id: string;
  /** Partitions whose copy of it has not come yet: what they still bring precedes it, and is dropped. Ascending. */
  readonly pending: readonly string[];
  /** Offsets of its copies that have come, by partition: what a login before them copied is dropped, wherever the copy stands. */
  readonly at: Readonly<Record<string, number>>;
}

export interface Profile {
  /** Empty where nothing is known but an erasure. */
  readonly subject: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Ascending by (time, event id). */
  readonly events: readonly HeldEvent[];
  /** Next offset by "<epoch>/<partition>". */
  readonly nextOffsets: Readonly<Record<string, number>>;
  /** Null for who never asked to be forgotten. */
  readonly erased: Erasure | null;
}

/** Bounds of the sets that a profile holds, by event time. */
export const profileBounds = { recent: 200, purchases: 200, opinions: 200 } as const;

export const emptyProfile = (subject = ""): Profile => ({ subject, attributes: {}, events: [], nextOffsets: {}, erased: null });

/** Grows with every record that was applied; the same for the same records, however they came in batches. */
export const profileVersion = ({ nextOffsets }: Profile): number => Object.values(nextOffsets).reduce((sum, offset) => sum + offset, 0);

/** Whether there is anything to know: neither an empty profile nor a mere erasure. */
export const isKnown = ({ events, attributes }: Profile): boolean => events.length > 0 || Object.keys(attributes).length > 0;

const compare = (a: HeldEvent, b: HeldEvent): number =>
  a.timeSeconds - b.timeSeconds || (a.eventId < b.eventId ? -1 : a.eventId > b.eventId ? 1 : 0);

const isOpinion = (type: number): boolean => type === eventCode.like || type === eventCode.dislike || type === eventCode.remove;

/** The union of the bounded sets: the latest 200 of all, of the purchases, of the opinions. Does not depend on the order of arrival. */
export function boundEvents(events: readonly HeldEvent[]): HeldEvent[] {
  const sorted = [...events].sort(compare);
  if (sorted.length <= profileBounds.recent) return sorted;
  const left = {
    recent: profileBounds.recent as number,
    purchases: profileBounds.purchases as number,
    opinions: profileBounds.opinions as number,
  };
  const kept: HeldEvent[] = [];
  for (const event of sorted.reverse()) {
    const inRecent = left.recent-- > 0;
    const inPurchases = event.type === eventCode.purchase && left.purchases-- > 0;
    const inOpinions = isOpinion(event.type) && left.opinions-- > 0;
    if (inRecent || inPurchases || inOpinions) kept.push(event);
  }
  return kept.reverse();
}

/** What one record of the bus does to its subject's profile. */
export type ProfileChange =
  | {
      readonly kind: "event";
      readonly offset: number;
      readonly event: Event;
      /** Where the login stands that copied it; null for an event that was not copied. */
      readonly copied: LogPlace | null;
    }
  | {
      readonly kind: "erase";
      readonly offset: number;
      readonly id: string;
      /** All partitions that have a copy of it. */
      readonly partitions: readonly string[];
    };

type ChangeOf<Kind extends ProfileChange["kind"]> = Extract<ProfileChange, { kind: Kind }>;

function erase(profile: Profile, partition: string, { id, offset, partitions }: ChangeOf<"erase">): Profile {
  // A copy of one before the latest, from a partition that lags: what stands before it there stands before the latest too.
  if (profile.erased !== null && id < profile.erased.id) return profile;
  const again = profile.erased?.id === id;
  const pending = (again ? profile.erased.pending : [...partitions].sort()).filter((name) => name !== partition);
  const erased = { id, pending, at: { ...(again ? profile.erased.at : {}), [partition]: offset } };
  return again ? { ...profile, erased } : { ...emptyProfile(), nextOffsets: profile.nextOffsets, erased };
}

/**
 * Whether an event falls to the erasure. What a login copied stands behind the login's own place, and counts from there: a login behind the erasure
 * was dealt with when that had come in its partition, so one whose partition has not brought it stands before it.
 */
function isErased(erased: Erasure, partition: string, copied: LogPlace | null): boolean {
  if (erased.pending.includes(partition)) return true;
  return copied !== null && (erased.pending.includes(copied.partition) || copied.offset < (erased.at[copied.partition] ?? 0));
}

function hold(profile: Profile, partition: string, { event, copied }: ChangeOf<"event">): Profile {
  const { eventId, itemId, type, timeSeconds, value, subject } = event;
  if (profile.erased !== null && isErased(profile.erased, partition, copied)) return profile;
  if (eventId !== "" && profile.events.some((event) => event.eventId === eventId)) return profile;
  return { ...profile, subject, events: [...profile.events, { eventId, itemId, type: eventCode[type], timeSeconds, value }] };
}

/**
 * Applies a subject's changes from one partition, ascending by offset. Offsets below the held next offset and events whose id is held are left
 * out, so a replay changes nothing. Answers the same object when nothing was new.
 */
export function applyChanges(profile: Profile, partition: string, changes: readonly ProfileChange[]): Profile {
  const from = profile.nextOffsets[partition] ?? 0;
  const fresh = changes.filter(({ offset }) => offset >= from);
  if (fresh.length === 0) return profile;
  let changed = profile;
  for (const change of fresh) changed = change.kind === "event" ? hold(changed, partition, change) : erase(changed, partition, change);
  return {
    ...changed,
    events: boundEvents(changed.events),
    nextOffsets: { ...changed.nextOffsets, [partition]: fresh.at(-1)!.offset + 1 },
  };
}

/**
 * A seeded profile in place of a held one: the seeded history is replaced, what came over the bus since stays. Who asked to be forgotten is not
 * seeded again: the seed holds what they asked to forget.
 */
export function reseedProfile(held: Profile, seeded: Profile): Profile {
  if (held.erased !== null) return held;
  const live = held.events.filter(({ eventId }) => eventId !== "");
  return { ...seeded, events: boundEvents([...seeded.events, ...live]), nextOffsets: held.nextOffsets };
}

export function profileHistory(profile: Profile): History {
  return {
    itemIds: profile.events.map((event) => event.itemId),
    types: profile.events.map((event) => event.type),
    timesSeconds: profile.events.map((event) => event.timeSeconds),
    values: profile.events.map((event) => event.value),
  };
}
