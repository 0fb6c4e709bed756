/** The events of the bus again, as lines of JSON. */

import { InvalidArgumentError } from "commander";
import { type ConsumedRecord, type EventBus, readPublished, topics } from "#libs/bus/bus.ts";
import type { Event } from "#libs/events/event.ts";
import { readEntry } from "#libs/events/log-entry.ts";

/** An offset of every partition, or an instant of publishing in seconds since 1970 UTC. */
export type ReplayStart = { readonly offset: number } | { readonly publishedSeconds: number };

/** Reads `--from`. */
export function replayStart(text: string): ReplayStart {
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  const instant = Date.parse(text);
  if (Number.isNaN(instant)) throw new InvalidArgumentError("--from takes a date or instant such as 2026-11-20T12:00:00Z, or an offset.");
  return { publishedSeconds: instant / 1000 };
}

/** What a gateway takes: `events send` sends it. */
function lineOf({ eventId, subject, itemId, type, timeSeconds, value, quantity, surface, recommendationId, position }: Event): string {
  const attribution = recommendationId === "" ? {} : { recommendation_id: recommendationId, position };
  return JSON.stringify({
    ...(eventId === "" ? {} : { event_id: eventId }),
    subject,
    item_id: itemId,
    type,
    time: timeSeconds,
    value,
    quantity,
    ...(surface === "" ? {} : { surface }),
    ...attribution,
  });
}

/**
 * Writes the events that were published before the call, partition by partition in the order of the log. Logins, erasures and what a login copied are
 * left out, and so is what cannot be read. Answers how many were written.
 */
export async function replayEvents(
  bus: Pick<EventBus, "consume" | "ends">,
  from: ReplayStart,
  write: (line: string) => void,
): Promise<number> {
  const wanted = (record: ConsumedRecord): boolean => "offset" in from || record.publishedSeconds >= from.publishedSeconds;
  let count = 0;
  await readPublished(
    bus,
    topics.events,
    async ({ records }) => {
      for (const record of records.filter(wanted)) {
        const read = readEntry(record);
        if (!("entry" in read) || read.entry.kind !== "event" || read.entry.copied) continue;
        write(lineOf(read.entry.event));
        count++;
      }
    },
    { startAt: () => ("offset" in from ? from.offset : 0) },
  );
  return count;
}
