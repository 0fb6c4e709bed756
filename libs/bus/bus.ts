/** The port of the event bus: a durable, partitioned, ordered log. */

/** Short texts beside a record; names in lower case. */
export type BusHeaders = Readonly<Record<string, string>>;

export interface BusRecord {
  /** Key of the partitioning: the subject. */
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers?: BusHeaders;
}

export interface ConsumedRecord extends BusRecord {
  readonly headers: BusHeaders;
  readonly offset: number;
  /** When it was published, seconds since 1970 UTC by the publisher's clock. */
  readonly publishedSeconds: number;
}

export interface ConsumedBatch {
  /** "<epoch>/<partition>": offsets mean nothing across epochs. */
  readonly partition: string;
  /** Ascending by offset, at most 1000, at least one. Offsets may have gaps. */
  readonly records: readonly ConsumedRecord[];
  /** Offset after the last record of the partition, as far as the reader knows: `end - records.at(-1).offset - 1` records wait. */
  readonly end: number;
}

export interface ConsumeOptions {
  /** Consumers of one group share the partitions; a consumer without a group reads all of them. */
  readonly group?: string;
  /** Where to begin a partition, asked whenever this consumer is given it. What is no longer kept is left out. */
  readonly startAt: (partition: string) => number | Promise<number>;
  /** Awaited; when it rejects the consumer stops and `finished` rejects. One call a partition at a time. */
  readonly onBatch: (batch: ConsumedBatch) => Promise<void>;
}

export interface Consumer {
  /** Resolves when the consumer has stopped; rejects with what made it stop. */
  readonly finished: Promise<void>;
  close(): Promise<void>;
}

export interface PublishOptions {
  /**
   * Whether to wait a moment for the consumers of this process, so that who reads next finds the effect. Where the consumers run elsewhere
   * nobody waits. Durability does not depend on it.
   */
  readonly untilApplied?: boolean;
}

export interface EventBus {
  /**
   * Resolves when the records are durable: flushed, not merely visible. Throws `resource_exhausted` when too much waits already, `unavailable`
   * when durability could not be learned in time: the records may be there all the same.
   */
  publish(topic: string, records: readonly BusRecord[], options?: PublishOptions): Promise<void>;
  /** One copy in every partition, for what must stand behind all that was published before it. `recordFor` is given the partitions' names. */
  publishToAll(topic: string, recordFor: (partitions: readonly string[]) => BusRecord, options?: PublishOptions): Promise<void>;
  /** Delivers every record at or after the position that `startAt` gives for its partition, in order, at least once. */
  consume(topic: string, options: ConsumeOptions): Promise<Consumer>;
  /** What has been published: the offset after the last record of each partition; a partition without records may be left out. */
  ends(topic: string): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** Topics of the fleet. */
export const topics = {
  events: "modiste.events.v1",
  served: "modiste.served.v1",
  catalog: "modiste.catalog.v1",
  dead: "modiste.dead.v1",
} as const;

const day = 24 * 3600;

/** Seconds after which records may be dropped, by topic; what is not named is kept. `events archive` has them before, if it runs as often. */
export const retentionSeconds: Readonly<Record<string, number>> = {
  [topics.events]: 7 * day,
  [topics.served]: day,
  [topics.dead]: 30 * day,
};

export interface ReadOptions {
  /** First offset to read of a partition; without it all are read from the start. */
  readonly startAt?: (partition: string) => number | Promise<number>;
}

/** Delivers what was published before the call, in the order of each partition, and resolves then. Rejects with what `onBatch` throws. */
export async function readPublished(
  bus: Pick<EventBus, "consume" | "ends">,
  topic: string,
  onBatch: (batch: ConsumedBatch) => Promise<void>,
  { startAt = () => 0 }: ReadOptions = {},
): Promise<void> {
  const left = new Map<string, number>();
  for (const [partition, end] of await bus.ends(topic)) if (end > (await startAt(partition))) left.set(partition, end);
  if (left.size === 0) return;
  let finish = (): void => undefined;
  const all = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const consumer = await bus.consume(topic, {
    startAt,
    onBatch: async (batch) => {
      const end = left.get(batch.partition);
      if (end === undefined) return;
      const records = batch.records.filter(({ offset }) => offset < end);
      if (records.length > 0) await onBatch({ ...batch, records });
      if (batch.records.at(-1)!.offset + 1 >= end) left.delete(batch.partition);
      if (left.size === 0) finish();
    },
  });
  try {
    await Promise.race([all, consumer.finished]);
  } finally {
    await consumer.close();
  }
}
