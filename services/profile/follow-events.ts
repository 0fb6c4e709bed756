/** The consumer: applies every event of the bus to its subject's profile and to the counters, once in effect. */

import { type EventBus, topics } from "#libs/bus/bus.ts";
import type { Clock } from "#libs/core/clock.ts";
import type { Metrics } from "#libs/telemetry/metrics.ts";
import { type ApplyParts, applyBatch, positionOf } from "./apply-batch.ts";
import { type Follower, partitionNumber, superviseConsumer } from "./supervise.ts";

export interface FollowOptions extends ApplyParts {
  readonly bus: EventBus;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Awaited before a partition is begun; what it throws is tried again like a failure of the store. */
  readonly claim?: () => Promise<void>;
}

export type EventFollower = Follower;

/** The members of this group share the partitions. */
export const profileGroup = "modiste-profile";

export async function followEvents(options: FollowOptions): Promise<EventFollower> {
  const { bus, log, metrics, clock } = options;
  const lag = metrics.gauge("modiste_event_lag_records", "Records of the bus that wait to be applied, by partition", ["partition"]);
  return superviseConsumer({
    bus,
    topic: topics.events,
    group: profileGroup,
    what: "events",
    positionOf: async (partition) => {
      await options.claim?.();
      return positionOf(partition, options);
    },
    apply: (batch, span) => applyBatch(batch, span, options),
    onApplied: ({ partition, records, end }, next) => {
      const now = clock.nowSeconds();
      for (const { publishedSeconds } of records) metrics.eventLag(Math.max(0, now - publishedSeconds));
      lag.set({ partition: partitionNumber(partition) }, Math.max(0, end - next));
    },
    log,
  });
}
