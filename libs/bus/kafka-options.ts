/** How the bus over Kafka is opened; loads nothing of Kafka. */

import type { Clock } from "#libs/core/clock.ts";
import type { Logger } from "#libs/telemetry/log.ts";

export const saslMechanisms = ["plain", "scram-sha-256", "scram-sha-512"] as const;

export interface KafkaSasl {
  readonly mechanism: (typeof saslMechanisms)[number];
  readonly username: string;
  readonly password: string;
}

export interface KafkaBusOptions {
  /** "host:port", at least one. */
  readonly brokers: readonly string[];
  /** How the brokers' logs and quotas name us. */
  readonly clientId?: string;
  readonly ssl?: boolean;
  readonly sasl?: KafkaSasl;
  /**
   * Part of the partitions' names beside the cluster's id. A topic that was deleted and made anew counts from 0 again, so that positions in the
   * stores would be wrong: it needs another word here.
   */
  readonly epoch?: string;
  /** Stands before the names of topics, and so of groups: fleets that share a cluster keep apart by it. Default "". */
  readonly topicPrefix?: string;
  /** Partitions of a topic that is created. Default 12. */
  readonly partitions?: number;
  /** Copies of each partition of a topic that is created. Default 1. */
  readonly replication?: number;
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly limits?: Partial<PublishLimits>;
}

export interface PublishLimits {
  /** Longest that a publisher waits for durability, milliseconds. */
  readonly waitMs: number;
  /** Most records that wait or are on their way. */
  readonly recordsMax: number;
  /** Most bytes of keys, values and headers that wait or are on their way. */
  readonly bytesMax: number;
}
