/** A profile holds events, nothing derived. */

import { type Event, eventCode, type History } from "#libs/events/event.ts";

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

export interface Profile {
  readonly subject: string;
  /** Grows by one with every applied batch. */
  readonly version: number;
  readonly attributes: Readonly<Record<string, string>>;
  /** Ascending by (time, event id). */
  readonly events: readonly HeldEvent[];
  /** Next offset by "<epoch>/<partition>". */
  readonly nextOffsets: Readonly<Record<string, number>>;
}

/** Bounds of the sets that a profile holds, by event time. */
export const profileBounds = { recent: 200, purchases: 200, opinions: 200 } as const;

export const emptyProfile = (subject: string): Profile => ({ subject, version: 0, attributes: {}, events: [], nextOffsets: {} });

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

export interface OffsetEvent {
  readonly offset: number;
  readonly event: Event;
}

/**
 * Applies a subject's batch from one partition. Offsets below the held next offset and events whose id is held are left
 * out, so a replay changes nothing. Answers the same object when nothing was new.
 */
export function applyEvents(profile: Profile, partition: string, batch: readonly OffsetEvent[]): Profile {
  const from = profile.nextOffsets[partition] ?? 0;
  const fresh = batch.filter(({ offset }) => offset >= from);
  if (fresh.length === 0) return profile;
  const held = new Set(profile.events.map((event) => event.eventId).filter((id) => id !== ""));
  const added: HeldEvent[] = [];
  let next = from;
  for (const { offset, event } of fresh) {
    next = Math.max(next, offset + 1);
    if (held.has(event.eventId)) continue;
    held.add(event.eventId);
    const { eventId, itemId, timeSeconds, value } = event;
    added.push({ eventId, itemId, type: eventCode[event.type], timeSeconds, value });
  }
  return {
    ...profile,
    version: profile.version + 1,
    events: boundEvents([...profile.events, ...added]),
    nextOffsets: { ...profile.nextOffsets, [partition]: next },
  };
}

/** A seeded profile in place of a held one: the seeded history is replaced, what came over the bus since stays. */
export function reseedProfile(held: Profile, seeded: Profile): Profile {
  const live = held.events.filter(({ eventId }) => eventId !== "");
  return { ...seeded, version: held.version + 1, events: boundEvents([...seeded.events, ...live]), nextOffsets: held.nextOffsets };
}

export function profileHistory(profile: Profile): History {
  return {
    itemIds: profile.events.map((event) => event.itemId),
    types: profile.events.map((event) => event.type),
    timesSeconds: profile.events.map((event) => event.timeSeconds),
    values: profile.events.map((event) => event.value),
  };
}
