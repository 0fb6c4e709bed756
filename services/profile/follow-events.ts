/** The consumer: applies every event of the bus to its subject's profile, once in effect. */

import { setTimeout as delay } from "node:timers/promises";
import { type ConsumedBatch, type ConsumedRecord, type Consumer, type EventBus, topics } from "#libs/bus/bus.ts";
import type { Clock } from "#libs/core/clock.ts";
import { type ModisteError, toModisteError } from "#libs/core/errors.ts";
import { decodeEvent } from "#libs/events/codec.ts";
import type { Event } from "#libs/events/event.ts";
import { idProblem } from "#libs/events/limits.ts";
import type { OffsetEvent } from "#libs/store/profile.ts";
import type { ProfileStore, SubjectBatch } from "#libs/store/profile-store.ts";
import type { Logger } from "#libs/telemetry/log.ts";
import type { Metrics } from "#libs/telemetry/metrics.ts";

export interface FollowOptions {
  readonly bus: EventBus;
  readonly store: ProfileStore;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export interface EventFollower {
  /** Why events are not applied any more, null while they are. */
  problem(): string | null;
  close(): Promise<void>;
}

/** Why an event cannot be held, null when it can. The gateway checks what it publishes; others may write to the bus too. */
function cannotHold({ subject, itemId, eventId }: Event): string | null {
  const ids = [
    ["subject", subject, false],
    ["item_id", itemId, false],
    ["event_id", eventId, true],
  ] as const;
  for (const [field, id, optional] of ids) {
    const problem = idProblem(id, { optional });
    if (problem) return `${field} ${problem}`;
  }
  return null;
}

/** The event, or why it is none; the cause goes to the dead-letter topic. One such record must not stop the others. */
function readEvent(record: ConsumedRecord): { event: Event } | { cause: string } {
  try {
    const event = decodeEvent(record.value);
    if (event === null) return { cause: "unknown event type" };
    const problem = cannotHold(event);
    return problem === null ? { event } : { cause: problem };
  } catch (cause) {
    return { cause: `not an event: ${(cause as Error).message}` };
  }
}

function bySubject(events: readonly (OffsetEvent & { readonly subject: string })[]): SubjectBatch[] {
  const batches = new Map<string, OffsetEvent[]>();
  for (const { subject, offset, event } of events) {
    const batch = batches.get(subject);
    if (batch) batch.push({ offset, event });
    else batches.set(subject, [{ offset, event }]);
  }
  return [...batches].map(([subject, batch]) => ({ subject, events: batch }));
}

async function applyBatch({ partition, records }: ConsumedBatch, { bus, store, log, metrics, clock }: FollowOptions): Promise<void> {
  const events: (OffsetEvent & { subject: string })[] = [];
  const dead: { key: string; value: Uint8Array }[] = [];
  for (const record of records) {
    const read = readEvent(record);
    if ("event" in read) events.push({ subject: read.event.subject, offset: record.offset, event: read.event });
    else {
      log.error(
        { partition, offset: record.offset, cause: read.cause },
        "a record of the bus is no event; it goes to the dead-letter topic",
      );
      const letter = {
        topic: topics.events,
        partition,
        offset: record.offset,
        cause: read.cause,
        value: Buffer.from(record.value).toString("base64"),
      };
      dead.push({ key: record.key, value: Buffer.from(JSON.stringify(letter)) });
    }
  }
  // Dead letters are durable before the position moves past their cause.
  await bus.publish(topics.dead, dead);
  await store.apply(partition, bySubject(events), records.at(-1)!.offset + 1);
  const now = clock.nowSeconds();
  for (const { publishedSeconds } of records) metrics.eventLag(Math.max(0, now - publishedSeconds));
}

/** Milliseconds between two tries of a consumer that failed. */
const retryMs = { first: 250, longest: 10_000 } as const;

/**
 * Starts where the store stands, so that a restart repeats nothing and loses nothing. A failure (a full disk, a store that went away) is
 * tried again with growing pauses; until it succeeds `problem` says why events do not count.
 */
export async function followEvents(options: FollowOptions): Promise<EventFollower> {
  const { bus, store, log } = options;
  const stop = new AbortController();
  let problem: ModisteError | null = null;
  let pauseMs: number = retryMs.first;
  const consume = (): Promise<Consumer> =>
    bus.consume(
      topics.events,
      (partition) => store.position(partition),
      async (batch) => {
        await applyBatch(batch, options);
        problem = null;
        pauseMs = retryMs.first;
      },
    );
  let consumer = await consume();
  const supervise = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await consumer.finished;
        return;
      } catch (cause) {
        problem = toModisteError(cause);
        log.error({ err: problem, pauseMs }, "events are not applied; trying again");
      }
      await delay(pauseMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      pauseMs = Math.min(retryMs.longest, pauseMs * 2);
      if (!stop.signal.aborted) consumer = await consume();
    }
  };
  const supervised = supervise();
  return {
    problem: () => problem && `events are not applied: ${problem.detail}`,
    close: async () => {
      stop.abort();
      await consumer.close();
      await supervised;
    },
  };
}
