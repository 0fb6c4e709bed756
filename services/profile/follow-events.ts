/** The consumer: applies every event of the bus to its subject's profile and to the counters, once in effect. */

import { setTimeout as delay } from "node:timers/promises";
import { type ConsumedBatch, type Consumer, type EventBus, topics } from "#libs/bus/bus.ts";
import type { Clock } from "#libs/core/clock.ts";
import { ModisteError, toModisteError } from "#libs/core/errors.ts";
import { isPositionLost } from "#libs/store/position-lost.ts";
import type { Metrics } from "#libs/telemetry/metrics.ts";
import { type ApplyParts, applyBatch, positionOf } from "./apply-batch.ts";

export interface FollowOptions extends ApplyParts {
  readonly bus: EventBus;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Awaited before a partition is begun; what it throws is tried again like a failure of the store. */
  readonly claim?: () => Promise<void>;
}

export interface EventFollower {
  /** Why events are not applied any more, null while they are. */
  problem(): string | null;
  close(): Promise<void>;
}

/** The members of this group share the partitions. */
export const profileGroup = "modiste-profile";

/** Milliseconds between two tries of a consumer that failed. */
const retryMs = { first: 250, longest: 10_000 } as const;
/** Longest that a start waits for the bus, milliseconds. */
const firstMsMax = 2_000;

/**
 * Starts where the stores stand, so that a restart repeats little and loses nothing. A failure (a full disk, a store that went away or lost
 * writes) is tried again with growing pauses; until it succeeds `problem` says why events do not count.
 */
export async function followEvents(options: FollowOptions): Promise<EventFollower> {
  const { bus, log, metrics, clock } = options;
  const lag = metrics.gauge("modiste_event_lag_records", "Records of the bus that wait to be applied, by partition", ["partition"]);
  const stop = new AbortController();
  let problem: ModisteError | null = new ModisteError("unavailable", "bus_not_reached", "the bus has not answered yet");
  let applyFailed = false;
  let pauseMs: number = retryMs.first;
  /** Where the stores stand by partition, as far as this member has seen. */
  const reached = new Map<string, number>();
  const startAt = async (partition: string): Promise<number> => {
    await options.claim?.();
    const position = await positionOf(partition, options);
    reached.set(partition, position);
    return position;
  };
  const onBatch = async (batch: ConsumedBatch): Promise<void> => {
    const { partition, records, end } = batch;
    const next = records.at(-1)!.offset + 1;
    applyFailed = true;
    await applyBatch(batch, { from: reached.get(partition) ?? 0, next }, options);
    applyFailed = false;
    reached.set(partition, next);
    const now = clock.nowSeconds();
    for (const { publishedSeconds } of records) metrics.eventLag(Math.max(0, now - publishedSeconds));
    lag.set({ partition: partition.slice(partition.lastIndexOf("/") + 1) }, Math.max(0, end - next));
    problem = null;
    pauseMs = retryMs.first;
  };
  const consume = async (): Promise<Consumer> => {
    const consumer = await bus.consume(topics.events, { group: profileGroup, startAt, onBatch });
    // The bus is there again, and a quiet one may bring nothing for hours; what could not be applied must be applied first.
    if (!applyFailed) problem = null;
    return consumer;
  };
  let current = consume();
  const supervise = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        const consumer = await current;
        await consumer.finished;
        return;
      } catch (cause) {
        problem = toModisteError(cause);
        // What was lost is read again at once: that is no failure of the store.
        if (isPositionLost(cause)) pauseMs = 0;
        log.error({ err: problem, pauseMs }, "events are not applied; trying again");
      }
      await delay(pauseMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      pauseMs = Math.min(retryMs.longest, Math.max(retryMs.first, pauseMs * 2));
      if (!stop.signal.aborted) current = consume();
    }
  };
  const supervised = supervise();
  // A bus that is away must not keep the service from starting: it answers from what the store holds, and says that it is not ready.
  await Promise.race([current.catch(() => undefined), delay(firstMsMax, undefined, { ref: false })]);
  return {
    problem: () => problem && `events are not applied: ${problem.detail}`,
    close: async () => {
      stop.abort();
      const consumer = await current.catch(() => null);
      await consumer?.close();
      await supervised;
    },
  };
}
