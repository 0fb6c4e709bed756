/** A consumer of the bus that outlives its failures: begins where the stores stand, tries again with growing pauses, says how far it lags. */

import { setTimeout as delay } from "node:timers/promises";
import type { ConsumedBatch, Consumer, EventBus } from "#libs/bus/bus.ts";
import { ModisteError, toModisteError } from "#libs/core/errors.ts";
import { isPositionLost } from "#libs/store/position-lost.ts";
import type { OffsetSpan } from "#libs/store/profile-store.ts";
import type { Logger } from "#libs/telemetry/log.ts";

export interface SuperviseOptions {
  readonly bus: Pick<EventBus, "consume">;
  readonly topic: string;
  /** The members of this group share the partitions. */
  readonly group: string;
  /** What it applies, in the plural, for people: "events". */
  readonly what: string;
  /** Where the stores stand. */
  readonly positionOf: (partition: string) => Promise<number>;
  /** Again is harmless: a batch that was broken off is delivered once more. May throw what the stores throw, "position_lost" among it. */
  readonly apply: (batch: ConsumedBatch, span: OffsetSpan) => Promise<void>;
  /** A batch was applied. */
  readonly onApplied: (batch: ConsumedBatch, next: number) => void;
  readonly log: Logger;
}

export interface Follower {
  /** Why records are not applied any more, null while they are. */
  problem(): string | null;
  close(): Promise<void>;
}

/** Milliseconds between two tries of a consumer that failed. */
const retryMs = { first: 250, longest: 10_000 } as const;
/** Longest that a start waits for the bus, milliseconds. */
const firstMsMax = 2_000;

/**
 * Starts where the stores stand, so that a restart repeats little and loses nothing. A failure (a full disk, a store that went away or lost
 * writes) is tried again with growing pauses; until it succeeds `problem` says why records do not count.
 */
export async function superviseConsumer(options: SuperviseOptions): Promise<Follower> {
  const { bus, topic, group, what, positionOf, apply, onApplied, log } = options;
  const stop = new AbortController();
  let problem: ModisteError | null = new ModisteError("unavailable", "bus_not_reached", "the bus has not answered yet");
  let applyFailed = false;
  let pauseMs: number = retryMs.first;
  /** Where the stores stand by partition, as far as this member has seen. */
  const reached = new Map<string, number>();
  const startAt = async (partition: string): Promise<number> => {
    const position = await positionOf(partition);
    reached.set(partition, position);
    return position;
  };
  const onBatch = async (batch: ConsumedBatch): Promise<void> => {
    const { partition, records } = batch;
    const next = records.at(-1)!.offset + 1;
    applyFailed = true;
    await apply(batch, { from: reached.get(partition) ?? 0, next });
    applyFailed = false;
    reached.set(partition, next);
    onApplied(batch, next);
    problem = null;
    pauseMs = retryMs.first;
  };
  const consume = async (): Promise<Consumer> => {
    const consumer = await bus.consume(topic, { group, startAt, onBatch });
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
        log.error({ err: problem, pauseMs }, `${what} are not applied; trying again`);
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
    problem: () => problem && `${what} are not applied: ${problem.detail}`,
    close: async () => {
      stop.abort();
      const consumer = await current.catch(() => null);
      await consumer?.close();
      await supervised;
    },
  };
}

/** Number of a partition, for labels. */
export const partitionNumber = (partition: string): string => partition.slice(partition.lastIndexOf("/") + 1);
