/** Topics of Kafka: created when missing, their partitions by name, and what is kept of them. */

import type { Admin } from "kafkajs";
import { ModisteError } from "#libs/core/errors.ts";
import { retentionSeconds, topics as topicNames } from "./bus.ts";
import { atMost, createKafka, fromKafka, kafkaMs, whenReady } from "./kafka-client.ts";
import type { KafkaBusOptions } from "./kafka-options.ts";

/** Seconds; null keeps everything. A topic that is named nowhere is kept as long as events. */
const retention: Readonly<Record<string, number | null>> = {
  ...retentionSeconds,
  // Changes may be partial, so that the last one of an item does not say all: no compaction.
  [topicNames.catalog]: null,
};

export interface KeptOffsets {
  /** First offset that is kept. */
  readonly low: number;
  /** Offset after the last record. */
  readonly high: number;
}

export interface KafkaTopics {
  /** Creates the topic where it is missing. Throws `unavailable`, or `failed_precondition` where that is refused. */
  ensure(topic: string): Promise<void>;
  /** Numbers of the partitions, ascending, as the brokers have them now. The topic must be there. */
  partitions(topic: string): Promise<readonly number[]>;
  offsets(topic: string): Promise<ReadonlyMap<number, KeptOffsets>>;
  /** "<epoch>/<n>" by number; known after `ensure`. */
  nameOf(partition: number): string;
  /** What was seen of a topic counts no more: it may have been deleted. */
  forget(topic: string): void;
  deleteGroup(groupId: string): Promise<void>;
  close(): Promise<void>;
}

interface Connection {
  readonly admin: Admin;
  readonly clusterId: string;
}

export function openKafkaTopics(options: KafkaBusOptions): KafkaTopics {
  const { epoch = "", topicPrefix = "", log } = options;
  const ensured = new Map<string, Promise<void>>();
  let connection: Promise<Connection> | null = null;
  let clusterId: string | null = null;

  const connect = async (): Promise<Connection> => {
    const admin = createKafka(options).admin();
    try {
      await admin.connect();
      const cluster = await admin.describeCluster();
      clusterId ??= cluster.clusterId;
      if (clusterId !== cluster.clusterId)
        throw new ModisteError("failed_precondition", "other_cluster", `Kafka was cluster ${clusterId} and is ${cluster.clusterId} now`);
      return { admin, clusterId };
    } catch (cause) {
      await disconnect(admin);
      throw fromKafka(cause, "connecting to Kafka");
    }
  };
  const disconnect = (admin: Admin): Promise<void> =>
    atMost(admin.disconnect(), kafkaMs.request, (err) => log?.debug({ err }, "closing a connection to Kafka"));
  /** A failed connection is forgotten, so that the next call tries again. */
  const connected = (): Promise<Connection> => {
    connection ??= connect();
    const current = connection;
    current.catch(() => {
      if (connection === current) connection = null;
    });
    return current;
  };
  const drop = async (): Promise<void> => {
    const current = connection;
    connection = null;
    const opened = await current?.catch(() => null);
    if (opened) await disconnect(opened.admin);
  };
  const ask = <T>(doing: string, question: (admin: Admin) => Promise<T>): Promise<T> =>
    whenReady(async () => {
      const { admin } = await connected();
      try {
        return await question(admin);
      } catch (cause) {
        await drop();
        throw fromKafka(cause, doing);
      }
    });

  const create = (topic: string): Promise<void> =>
    ask(`creating topic ${topic}`, async (admin) => {
      if ((await admin.listTopics()).includes(topic)) return;
      const name = topic.slice(topicPrefix.length);
      const kept = name in retention ? retention[name]! : retention[topicNames.events]!;
      const { partitions: numPartitions = 12, replication: replicationFactor = 1 } = options;
      const configEntries = [{ name: "retention.ms", value: String(kept === null ? -1 : kept * 1000) }];
      // With three copies or more acks=all means two of them: one broker may be lost without losing what was acknowledged.
      if (replicationFactor >= 3) configEntries.push({ name: "min.insync.replicas", value: "2" });
      // False where another process was faster.
      await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions, replicationFactor, configEntries }] });
    });
  const partitions = (topic: string): Promise<readonly number[]> =>
    ask(`reading the partitions of ${topic}`, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics.flatMap((found) => found.partitions.map(({ partitionId }) => partitionId)).sort((a, b) => a - b);
    });
  const offsetsOnce = (topic: string): Promise<ReadonlyMap<number, KeptOffsets>> =>
    ask(`reading the ends of ${topic}`, async (admin) => {
      const found = await admin.fetchTopicOffsets(topic);
      return new Map(found.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]));
    });

  return {
    ensure: (topic) => {
      const known = ensured.get(topic);
      if (known !== undefined) return known;
      const creating = create(topic);
      ensured.set(topic, creating);
      creating.catch(() => ensured.delete(topic));
      return creating;
    },
    partitions,
    offsets: async (topic) => {
      const now = await partitions(topic);
      const found = await offsetsOnce(topic);
      if (now.every((partition) => found.has(partition))) return found;
      // An admin asks for the offsets of those partitions only that it saw first.
      await drop();
      return offsetsOnce(topic);
    },
    nameOf: (partition) => `${clusterId}${epoch === "" ? "" : `.${epoch}`}/${partition}`,
    forget: (topic) => void ensured.delete(topic),
    deleteGroup: (groupId) => ask(`deleting group ${groupId}`, async (admin) => void (await admin.deleteGroups([groupId]))),
    close: drop,
  };
}
