/** Purchases that the live counters had counted at an answer, counted again from the log. */

import { type EventBus, readPublished, topics } from "#libs/bus/bus.ts";
import { secondsPerDay } from "#libs/core/clock.ts";
import { eventCode } from "#libs/events/event.ts";
import { readEntry } from "#libs/events/log-entry.ts";
import { dayOf, typeOfKey } from "#libs/features/day-counts.ts";
import type { LiveItem } from "#libs/features/live-counts.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";

interface CountedPurchase {
  readonly publishedSeconds: number;
  readonly timeSeconds: number;
}

/** By item, in the order of publication. */
export type CountedEvents = ReadonlyMap<string, readonly CountedPurchase[]>;

/** All purchases of the log that counters count: not the copies that a login makes. */
export async function loadCountedEvents(bus: EventBus): Promise<CountedEvents> {
  const counted = new Map<string, CountedPurchase[]>();
  await readPublished(bus, topics.events, async ({ records }) => {
    for (const record of records) {
      const read = readEntry(record);
      if (!("entry" in read) || read.entry.kind !== "event" || read.entry.copied) continue;
      const { itemId, type, timeSeconds } = read.entry.event;
      if (type !== "purchase") continue;
      const list = counted.get(itemId) ?? [];
      list.push({ publishedSeconds: record.publishedSeconds, timeSeconds });
      counted.set(itemId, list);
    }
  });
  for (const list of counted.values()) list.sort((a, b) => a.publishedSeconds - b.publishedSeconds);
  return counted;
}

export function purchasesOf(live: LiveItem | undefined): number {
  if (live === undefined) return 0;
  return live.counts.reduce((sum, count, i) => sum + (typeOfKey(live.keys[i]!) === eventCode.purchase ? count : 0), 0);
}

/** Between the publication of an event and figures that follow it lie the consumer, a look at the store and a rebuild. */
const unclearSeconds = { before: 10, after: 2 } as const;

/**
 * The number nearest to `served` of those that the purchases published around the answer allow. Of the day that the data's end falls into any number
 * may: how many of its purchases the data hold too is not told by the log.
 */
export function agreeingPurchases(
  purchases: readonly CountedPurchase[],
  served: number,
  answeredSeconds: number,
  { endSeconds }: Pick<IndexedCatalog, "endSeconds">,
): number {
  const count = (publishedUntil: number, firstSecond: number): number =>
    purchases.filter(({ publishedSeconds, timeSeconds }) => publishedSeconds <= publishedUntil && timeSeconds >= firstSecond).length;
  const least = count(answeredSeconds - unclearSeconds.before, Math.ceil(endSeconds / secondsPerDay) * secondsPerDay);
  const most = count(answeredSeconds + unclearSeconds.after, dayOf(endSeconds) * secondsPerDay);
  return Math.min(most, Math.max(least, served));
}
