/** The events that a request saw, put together again from what was seeded and what came over the bus. */

import { type EventBus, readPublished, topics } from "#libs/bus/bus.ts";
import type { DataSet } from "#libs/data/dataset.ts";
import { historyFromProto } from "#libs/events/codec.ts";
import type { Event, History } from "#libs/events/event.ts";
import { latestHistory } from "#libs/events/event.ts";
import { joinHistories } from "#libs/events/join-histories.ts";
import { readEntry } from "#libs/events/log-entry.ts";
import { applyChanges, emptyProfile, type Profile, profileHistory } from "#libs/store/profile.ts";
import { heldEvents } from "../seed-profiles.ts";
import type { SampledRecord } from "./served-records.ts";

interface PublishedEvent {
  readonly partition: string;
  readonly offset: number;
  readonly publishedSeconds: number;
  readonly event: Event;
}

export interface KnownEvents {
  /** Profiles as they were seeded, by subject; subjects that the data set does not know are left out. */
  readonly seeded: ReadonlyMap<string, Profile>;
  /** Events of the bus by subject, in the order of the log. */
  readonly published: ReadonlyMap<string, readonly PublishedEvent[]>;
}

async function publishedEvents(bus: EventBus, subjects: ReadonlySet<string>): Promise<Map<string, PublishedEvent[]>> {
  const published = new Map<string, PublishedEvent[]>();
  await readPublished(bus, topics.events, async ({ partition, records }) => {
    for (const record of records) {
      if (!subjects.has(record.key)) continue;
      const read = readEntry(record);
      // What is no event went to the dead-letter topic, and no request saw it.
      if (!("entry" in read) || read.entry.kind !== "event") continue;
      const { offset, publishedSeconds } = record;
      const { event } = read.entry;
      const list = published.get(event.subject) ?? [];
      list.push({ partition, offset, publishedSeconds, event });
      published.set(event.subject, list);
    }
  });
  return published;
}

async function seededProfiles(dataset: DataSet, subjects: ReadonlySet<string>, before: number): Promise<Map<string, Profile>> {
  const interactions = await dataset.loadInteractions();
  const { ids } = await dataset.loadCatalog();
  const users = await dataset.loadUsers();
  const seeded = new Map<string, Profile>();
  users.ids.forEach((subject, user) => {
    if (!subjects.has(subject)) return;
    seeded.set(subject, { ...emptyProfile(subject), events: heldEvents(interactions, user, before, ids) });
  });
  return seeded;
}

/** What is known of these subjects; `before` is the watermark that the profiles were seeded with, seconds since 1970 UTC. */
export async function loadKnownEvents(
  bus: EventBus,
  dataset: DataSet,
  subjects: ReadonlySet<string>,
  before: number,
): Promise<KnownEvents> {
  return { seeded: await seededProfiles(dataset, subjects, before), published: await publishedEvents(bus, subjects) };
}

/**
 * Seconds around the answer within which an event may have been seen or not: between the publication of an event, its effect and the request there is
 * time. What was published before must have been seen, what was published later cannot.
 */
const unclearSeconds = 2;

const sumOf = ({ timesSeconds }: History): string => `${timesSeconds.length} ${timesSeconds[0] ?? 0} ${timesSeconds.at(-1) ?? 0}`;

/**
 * What the ranker was given: profiles of the record's subjects, and the events of its session. Of the events published around the answer as many count as
 * agree with the number and times that the record tells; where none agree, those published before it.
 */
export function historyOf({ subjects, timeSeconds, features }: SampledRecord, { seeded, published }: KnownEvents): History {
  const { request, eventCount, firstEventSeconds, lastEventSeconds, asOf, profileAnswered, sessionEvents } = features;
  const told = `${eventCount} ${firstEventSeconds} ${lastEventSeconds}`;
  const until = (end: number): History => {
    const profiles = subjects.map((subject) =>
      (published.get(subject) ?? [])
        .filter(({ publishedSeconds }) => publishedSeconds <= end)
        .reduce(
          (profile, { partition, offset, event }) => applyChanges(profile, partition, [{ kind: "event", offset, event, copied: null }]),
          seeded.get(subject) ?? emptyProfile(subject),
        ),
    );
    const histories = [...(profileAnswered ? profiles.map(profileHistory) : []), historyFromProto(sessionEvents)];
    return latestHistory(joinHistories(histories, request.nowSeconds, asOf));
  };
  const unclear = subjects
    .flatMap((subject) => published.get(subject) ?? [])
    .map(({ publishedSeconds }) => publishedSeconds)
    .filter((seconds) => Math.abs(seconds - timeSeconds) <= unclearSeconds)
    .sort((a, b) => b - a);
  for (const end of [...unclear, timeSeconds - unclearSeconds]) {
    const history = until(end);
    if (sumOf(history) === told) return history;
  }
  return until(timeSeconds);
}
