/** Applies a batch of the bus: profiles, counters, dead letters, logins and erasures, each once in effect. */

import { createHash } from "node:crypto";
import { type BusRecord, type ConsumedBatch, type EventBus, topics } from "#libs/bus/bus.ts";
import { groupBy } from "#libs/core/group-by.ts";
import { type Event, type EventType, eventTypes } from "#libs/events/event.ts";
import { copiedRecord, type LogEntry, type LogPlace, readEntry } from "#libs/events/log-entry.ts";
import { segmentOfAge } from "#libs/features/segment.ts";
import type { CountedEvent, CounterStore } from "#libs/store/counter-store.ts";
import type { HeldEvent, Profile, ProfileChange } from "#libs/store/profile.ts";
import type { OffsetSpan, ProfileStore } from "#libs/store/profile-store.ts";
import type { Logger } from "#libs/telemetry/log.ts";
import type { MergeSession } from "#protos/events.ts";
import { deadLetter, publishLetters } from "./dead-letter.ts";

export interface ApplyParts {
  readonly bus: Pick<EventBus, "publish">;
  readonly profiles: ProfileStore;
  readonly counters: CounterStore;
  /** The store's key of a subject. */
  readonly keyOf: (subject: string) => string;
  readonly log: Logger;
}

interface Placed<E> {
  readonly offset: number;
  readonly entry: E;
}
type EntryOf<Kind extends LogEntry["kind"]> = Extract<LogEntry, { kind: Kind }>;
const isKind =
  <Kind extends LogEntry["kind"]>(kind: Kind) =>
  (placed: Placed<LogEntry>): placed is Placed<EntryOf<Kind>> =>
    placed.entry.kind === kind;

/** What can be read of the batch; the rest is on the dead-letter topic when this resolves. */
async function readBatch({ partition, records }: ConsumedBatch, { bus, log }: ApplyParts): Promise<Placed<LogEntry>[]> {
  const entries: Placed<LogEntry>[] = [];
  const dead: BusRecord[] = [];
  for (const record of records) {
    const read = readEntry(record);
    if ("entry" in read) entries.push({ offset: record.offset, entry: read.entry });
    else {
      log.error(
        { partition, offset: record.offset, cause: read.cause },
        "a record of the bus cannot be read; it goes to the dead-letter topic",
      );
      dead.push(deadLetter(topics.events, partition, record, read.cause));
    }
  }
  // Durable before the position moves past their cause.
  await publishLetters(bus, dead);
  return entries;
}

/** The changes of one key in the order of the log. */
function changesOf({ offset, entry }: Placed<LogEntry>, keyOf: ApplyParts["keyOf"]): { key: string; change: ProfileChange }[] {
  if (entry.kind === "event") return [{ key: keyOf(entry.event.subject), change: { ...entry, offset } }];
  if (entry.kind === "merge") return [];
  const { eraseId, subjectKey, partitions } = entry.erase;
  return [{ key: subjectKey, change: { kind: "erase", offset, id: eraseId, partitions } }];
}

/** Most records of one publication of copies: the bus bounds what waits. */
const copiesMax = 1000;

/**
 * Logins: what a session's profile holds is published again as the user's, under the ids that it has, so that doing it twice changes nothing.
 * Copies come to stand behind whatever followed the login, an erasure too: they carry the login's place, by which the store tells them apart.
 */
async function copySessions(partition: string, merges: readonly Placed<EntryOf<"merge">>[], parts: ApplyParts): Promise<void> {
  if (merges.length === 0) return;
  const { profiles, bus, keyOf } = parts;
  // Of the same login the last: an erasure that spares an earlier one spares it too.
  const logins = [
    ...new Map(merges.map((placed) => [JSON.stringify([placed.entry.merge.session, placed.entry.merge.user]), placed])).values(),
  ];
  const held = await profiles.get(logins.map(({ entry }) => keyOf(entry.merge.session)));
  let copies: BusRecord[] = [];
  for (const [i, { offset, entry }] of logins.entries()) {
    for (const event of held[i]?.events ?? []) {
      copies.push(copyOf(event, entry.merge, { partition, offset }));
      if (copies.length < copiesMax) continue;
      await bus.publish(topics.events, copies);
      copies = [];
    }
  }
  if (copies.length > 0) await bus.publish(topics.events, copies);
}

function copyOf(held: HeldEvent, { session, user }: MergeSession, login: LogPlace): BusRecord {
  const { itemId, timeSeconds, value, type } = held;
  const made = createHash("sha1").update(`${session} ${type} ${timeSeconds} ${itemId}`).digest("hex");
  const event: Event = {
    eventId: held.eventId === "" ? made : held.eventId,
    subject: user,
    itemId,
    type: eventTypes[type] as EventType,
    timeSeconds,
    value,
    quantity: 1,
    surface: "",
    recommendationId: "",
    position: 0,
  };
  return copiedRecord(event, login);
}

/** A session's event is counted once, where it happened. `profiles`: by key, as they stand after the batch. */
function countedEvents(entries: Entries, profiles: ReadonlyMap<string, Profile>, keyOf: StoreParts["keyOf"]): CountedEvent[] {
  return entries
    .filter(isKind("event"))
    .filter(({ entry }) => entry.copied === null)
    .map(({ offset, entry: { event } }) => ({
      offset,
      itemId: event.itemId,
      type: event.type,
      segment: segmentOfAge(profiles.get(keyOf(event.subject))!.attributes.age),
      timeSeconds: event.timeSeconds,
      value: event.value,
    }));
}

/** What the stores need of the parts. */
export type StoreParts = Pick<ApplyParts, "profiles" | "counters" | "keyOf">;
type Entries = readonly Placed<LogEntry>[];

/** Doing it again changes nothing. Answers the profiles of the batch by key; throws what the store throws. */
async function applyToProfiles(
  partition: string,
  entries: Entries,
  span: OffsetSpan,
  { profiles, keyOf }: StoreParts,
): Promise<Map<string, Profile>> {
  const changes = groupBy(
    entries.flatMap((placed) => changesOf(placed, keyOf)),
    ({ key }) => key,
  );
  const batches = [...changes].map(([key, own]) => ({ key, changes: own.map(({ change }) => change) }));
  const applied = await profiles.apply(partition, batches, span);
  return new Map(batches.map(({ key }, i) => [key, applied[i]!]));
}

/** What an archive holds, in place of the log: its logins were dealt with, and what they copied is in the archive too. */
export async function applyArchived(partition: string, entries: Entries, span: OffsetSpan, parts: StoreParts): Promise<void> {
  const profiles = await applyToProfiles(partition, entries, span, parts);
  await parts.counters.add(partition, countedEvents(entries, profiles, parts.keyOf), span);
}

/**
 * Every step may be done again: a batch that was broken off is delivered once more. The counters come last, and their position is the one that says
 * where to go on: so dead letters and the copies of a login are published before it moves. Throws what bus and stores throw, "position_lost" among it.
 */
export async function applyBatch(batch: ConsumedBatch, span: OffsetSpan, parts: ApplyParts): Promise<void> {
  const entries = await readBatch(batch, parts);
  const profiles = await applyToProfiles(batch.partition, entries, span, parts);
  await copySessions(batch.partition, entries.filter(isKind("merge")), parts);
  await parts.counters.add(batch.partition, countedEvents(entries, profiles, parts.keyOf), span);
}

/** Where to go on with a partition after a start. */
export async function positionOf(partition: string, { profiles, counters }: Pick<ApplyParts, "profiles" | "counters">): Promise<number> {
  const [applied, counted] = await Promise.all([profiles.position(partition), counters.position(partition)]);
  return Math.min(applied, counted);
}
