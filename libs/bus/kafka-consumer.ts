/** Consuming from Kafka: a group's member, or a reader of everything. Whatever stops it shows in `finished`. */

import { randomUUID } from "node:crypto";
import type { EachBatchPayload } from "kafkajs";
import { ModisteError } from "#libs/core/errors.ts";
import type { ConsumeOptions, Consumer } from "./bus.ts";
import { type Assignment, createAssignment } from "./kafka-assignment.ts";
import { atMost, clockOf, createKafka, fromKafka, kafkaMs } from "./kafka-client.ts";
import type { KafkaBusOptions } from "./kafka-options.ts";
import type { KafkaTopics } from "./kafka-topics.ts";

/** Milliseconds. The shortest session that brokers allow by default: a member that was killed blocks its partitions for that long. */
const groupMs = { session: 6_000, heartbeat: 1_000, rebalance: 30_000, commit: 500, stalled: 60_000 } as const;
/**
 * Longest wait of the broker for a record, milliseconds. A record ends it at once, so that 5 brings it no sooner than 200 does, and costs a tenth
 * of a core where nothing happens; leaving and new positions wait for it.
 */
const fetchMs = 100;
/** Partitions that are handled at the same time. */
const concurrency = 4;

export interface KafkaConsumerParts {
  readonly options: KafkaBusOptions;
  readonly topics: KafkaTopics;
  readonly topic: string;
  readonly consume: ConsumeOptions;
  /** Called when the consumer has ended, however it did. */
  readonly onEnd: () => void;
}

interface Ending {
  readonly finished: Promise<void>;
  /** The first call counts. */
  end(error: unknown): void;
  ended(): boolean;
}

/** `finished` settles when `shutDown` has: who starts again then finds the group without the old member. */
function createEnding(shutDown: () => Promise<void>): Ending {
  let begun = false;
  let finish: (work: Promise<void>) => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  // Whoever awaits `finished` hears of a failure; without this line an early one would end the process.
  finished.catch(() => undefined);
  return {
    finished,
    ended: () => begun,
    end: (error) => {
      if (begun) return;
      begun = true;
      finish(
        shutDown().then(() => {
          if (error !== null) throw error;
        }),
      );
    },
  };
}

/**
 * Resolves when the group gave its first partitions, which may be none, and they stand where they begin. Rejects as `finished` does.
 * Offsets are committed for people's eyes (lag): where to begin is asked anew on every assignment.
 */
export async function openKafkaConsumer({ options, topics, topic, consume, onEnd }: KafkaConsumerParts): Promise<Consumer> {
  const { log } = options;
  const clock = clockOf(options);
  const { group } = consume;
  // A group's members must agree on what they read, so a group of ours is one of Kafka's for each topic.
  const groupId = group === undefined ? `modiste-reader-${randomUUID()}` : `${group}.${topic}`;
  const consumer = createKafka(options).consumer({
    groupId,
    sessionTimeout: groupMs.session,
    heartbeatInterval: groupMs.heartbeat,
    rebalanceTimeout: groupMs.rebalance,
    metadataMaxAge: kafkaMs.metadata,
    maxWaitTimeInMs: fetchMs,
    minBytes: 1,
    allowAutoTopicCreation: false,
  });
  const toCommit = new Map<number, number>();
  let seenMs = clock.monotonicMs();
  let handling = 0;
  const sign = (): void => {
    seenMs = clock.monotonicMs();
  };
  const quietly = (doing: string) => (err: unknown) => log?.debug({ err, groupId }, doing);

  const commit = async (): Promise<void> => {
    const offsets = [...toCommit].map(([partition, offset]) => ({ topic, partition, offset: String(offset) }));
    toCommit.clear();
    if (offsets.length > 0 && group !== undefined) await consumer.commitOffsets(offsets);
  };
  const timers = [
    setInterval(() => void commit().catch(quietly("committing offsets")), groupMs.commit),
    setInterval(() => {
      if (handling === 0 && clock.monotonicMs() - seenMs > groupMs.stalled)
        ending.end(
          new ModisteError("unavailable", "consumer_stalled", `nothing was fetched from ${topic} for ${groupMs.stalled / 1000} s`),
        );
    }, groupMs.heartbeat),
  ];
  const shutDown = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer);
    // What is being applied is waited for as long as the group would.
    await atMost(assignment.stop(), groupMs.rebalance, quietly("stopping"));
    await atMost(commit(), kafkaMs.request, quietly("committing offsets"));
    await atMost(consumer.disconnect(), 2 * kafkaMs.request, quietly("leaving the group"));
    if (group === undefined) await atMost(topics.deleteGroup(groupId), kafkaMs.request, quietly("deleting the group"));
    onEnd();
  };
  const ending = createEnding(shutDown);
  const assignment: Assignment = createAssignment({
    topic,
    topics,
    startAt: consume.startAt,
    onBatch: consume.onBatch,
    control: {
      pause: (partitions) => consumer.pause([{ topic, partitions: [...partitions] }]),
      resume: (partitions) => consumer.resume([{ topic, partitions: [...partitions] }]),
      seek: (partition, offset) => consumer.seek({ topic, partition, offset: String(offset) }),
    },
  });

  const eachBatch = async ({ batch, heartbeat, resolveOffset }: EachBatchPayload): Promise<void> => {
    if (ending.ended()) return;
    let lost: unknown = null;
    const beating = setInterval(() => {
      heartbeat().catch((error: unknown) => {
        lost ??= error;
      });
    }, groupMs.heartbeat);
    handling++;
    try {
      await assignment.deliver({
        partition: batch.partition,
        messages: batch.messages,
        end: Number(batch.highWatermark),
        onSlice: (next) => {
          resolveOffset(String(next - 1));
          toCommit.set(batch.partition, next);
          return lost === null;
        },
      });
    } catch (error) {
      // Not thrown: kafkajs would deliver the batch again by itself.
      ending.end(error);
    } finally {
      handling--;
      clearInterval(beating);
      sign();
    }
    // kafkajs joins again where the group was about to change while we were busy.
    if (lost !== null) throw lost;
  };

  const { GROUP_JOIN, CRASH, DISCONNECT, FETCH } = consumer.events;
  const joined = new Promise<void>((resolve) => {
    consumer.on(GROUP_JOIN, ({ payload }) => {
      sign();
      toCommit.clear();
      assignment.take(payload.memberAssignment[topic] ?? []).then(resolve, ending.end);
    });
  });
  consumer.on(FETCH, sign);
  consumer.on(CRASH, ({ payload }) => ending.end(fromKafka(payload.error, `reading ${topic}`)));
  // kafkajs disconnects before it says that it crashed, and why: that comes first where it comes at all.
  consumer.on(DISCONNECT, () => {
    setImmediate(() => ending.end(new ModisteError("unavailable", "consumer_disconnected", `the consumer of ${topic} was disconnected`)));
  });

  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: concurrency, eachBatch });
  } catch (error) {
    ending.end(fromKafka(error, `reading ${topic}`));
  }
  await Promise.race([joined, ending.finished]);
  return {
    finished: ending.finished,
    close: async () => {
      ending.end(null);
      await ending.finished.catch(() => undefined);
    },
  };
}
