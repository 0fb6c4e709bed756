/** The port of the event bus: a durable, partitioned, ordered log. */

export interface BusRecord {
  /** Key of the partitioning: the subject. */
  readonly key: string;
  readonly value: Uint8Array;
}

export interface ConsumedRecord extends BusRecord {
  readonly offset: number;
  /** When it was published, seconds since 1970 UTC by the publisher's clock. */
  readonly publishedSeconds: number;
}

export interface ConsumedBatch {
  /** "<epoch>/<partition>": offsets mean nothing across epochs. */
  readonly partition: string;
  readonly records: readonly ConsumedRecord[];
}

export interface Consumer {
  /** Resolves when the consumer has stopped; rejects with what made it stop. */
  readonly finished: Promise<void>;
  close(): Promise<void>;
}

export interface EventBus {
  /** Resolves when the records are durable: flushed, not merely visible. */
  publish(topic: string, records: readonly BusRecord[]): Promise<void>;
  /**
   * Delivers every record at or after the position that `startAt` gives for its partition, in order, at least once. `onBatch`
   * is awaited; when it rejects the consumer stops and `finished` rejects.
   */
  consume(topic: string, startAt: (partition: string) => number, onBatch: (batch: ConsumedBatch) => Promise<void>): Promise<Consumer>;
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

/** Seconds after which records may be dropped, by topic; what is not named is kept. Kafka's topics are configured where Kafka is. */
export const retentionSeconds: Readonly<Record<string, number>> = { [topics.served]: 24 * 3600 };

/** Delivers what was published before the call, in the order of each partition, and resolves then. Rejects with what `onBatch` throws. */
export async function readPublished(
  bus: Pick<EventBus, "consume" | "ends">,
  topic: string,
  onBatch: (batch: ConsumedBatch) => Promise<void>,
): Promise<void> {
  const left = new Map([...(await bus.ends(topic))].filter(([, end]) => end > 0));
  if (left.size === 0) return;
  let finish = (): void => undefined;
  const all = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const consumer = await bus.consume(
    topic,
    () => 0,
    async ({ partition, records }) => {
      const end = left.get(partition);
      if (end === undefined) return;
      await onBatch({ partition, records: records.filter(({ offset }) => offset < end) });
      if (records.at(-1)!.offset + 1 >= end) left.delete(partition);
      if (left.size === 0) finish();
    },
  );
  try {
    await Promise.race([all, consumer.finished]);
  } finally {
    await consumer.close();
  }
}
