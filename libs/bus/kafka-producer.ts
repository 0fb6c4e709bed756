/** Publishing to Kafka: calls that come together travel together, in order, and what waits is bounded in records, bytes and time. */

import { CompressionTypes, type Message, Partitioners, type Producer } from "kafkajs";
import { ModisteError } from "#libs/core/errors.ts";
import type { BusRecord } from "./bus.ts";
import { atMost, clockOf, createKafka, fromKafka, kafkaMs } from "./kafka-client.ts";
import type { KafkaBusOptions, PublishLimits } from "./kafka-options.ts";
import type { KafkaTopics } from "./kafka-topics.ts";

const defaults: PublishLimits = { waitMs: 5_000, recordsMax: 20_000, bytesMax: 32 * 2 ** 20 };
/** Of one request. Brokers take 1 MiB a partition by default, with what Kafka adds; kafkajs groups records in time that grows with their square. */
const sendMax = { records: 1000, bytes: 900 * 1024 } as const;
/** What Kafka adds to a record at most, headers' lengths included. */
const recordOverheadBytes = 64;
/** Smaller requests gain less than they cost. */
const gzipBytesMin = 16 * 1024;

/** One call of `publish`. */
interface Call {
  left: number;
  settled: boolean;
  settle(error?: ModisteError): void;
}

interface Waiting {
  readonly topic: string;
  readonly message: Message;
  readonly bytes: number;
  readonly call: Call;
}

export interface KafkaPublisher {
  publish(topic: string, records: readonly BusRecord[]): Promise<void>;
  publishToAll(topic: string, recordFor: (partitions: readonly string[]) => BusRecord): Promise<void>;
  close(): Promise<void>;
}

function bytesOf({ key, value, headers = {} }: BusRecord): number {
  let bytes = recordOverheadBytes + Buffer.byteLength(key) + value.length;
  for (const [name, text] of Object.entries(headers)) bytes += Buffer.byteLength(name) + Buffer.byteLength(text) + 4;
  return bytes;
}

export function createKafkaPublisher(options: KafkaBusOptions, topics: KafkaTopics): KafkaPublisher {
  const { log } = options;
  const limits = { ...defaults, ...options.limits };
  const clock = clockOf(options);
  let queue: Waiting[] = [];
  /** Of the queue and of the request under way. */
  const held = { records: 0, bytes: 0 };
  let producer: Producer | null = null;
  let pumping: Promise<void> | null = null;
  let closed = false;

  const messageOf = ({ key, value, headers = {} }: BusRecord, partition?: number): Message => ({
    key,
    value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    headers: { ...headers },
    timestamp: String(Math.floor(clock.nowSeconds() * 1000)),
    ...(partition === undefined ? {} : { partition }),
  });
  const discard = (old: Producer): Promise<void> =>
    atMost(old.disconnect(), kafkaMs.request, (err) => log?.debug({ err }, "closing a producer"));
  const openProducer = async (): Promise<Producer> => {
    const opened = createKafka(options).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      metadataMaxAge: kafkaMs.metadata,
    });
    try {
      await opened.connect();
      return opened;
    } catch (cause) {
      await discard(opened);
      throw cause;
    }
  };
  const drop = (entries: readonly Waiting[]): void => {
    held.records -= entries.length;
    for (const { bytes } of entries) held.bytes -= bytes;
  };
  const takeSend = (): Waiting[] => {
    let count = 0;
    for (let bytes = 0; count < Math.min(queue.length, sendMax.records); count++) {
      bytes += queue[count]!.bytes;
      if (count > 0 && bytes > sendMax.bytes) break;
    }
    return queue.splice(0, count);
  };
  const send = async (entries: readonly Waiting[]): Promise<void> => {
    const byTopic = new Map<string, Message[]>();
    let bytes = 0;
    for (const entry of entries) {
      bytes += entry.bytes;
      const messages = byTopic.get(entry.topic);
      if (messages) messages.push(entry.message);
      else byTopic.set(entry.topic, [entry.message]);
    }
    for (const topic of byTopic.keys()) await topics.ensure(topic);
    producer ??= await openProducer();
    await producer.sendBatch({
      acks: -1,
      timeout: kafkaMs.request,
      compression: bytes >= gzipBytesMin ? CompressionTypes.GZIP : CompressionTypes.None,
      topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages })),
    });
  };
  /** The next records would get the numbers of those that failed, and a broker that has these after all would take them for doubles. */
  const forgetProducer = async (entries: readonly Waiting[]): Promise<void> => {
    for (const { topic } of entries) topics.forget(topic);
    const old = producer;
    producer = null;
    if (old) await discard(old);
  };
  const pump = async (): Promise<void> => {
    // What is published in the same turn travels along.
    await Promise.resolve();
    while (queue.length > 0) {
      const entries = takeSend();
      try {
        await send(entries);
        for (const { call } of entries) if (--call.left === 0) call.settle();
      } catch (cause) {
        const error = fromKafka(cause, "publishing to Kafka");
        for (const { call } of entries) call.settle(error);
        await forgetProducer(entries);
      } finally {
        drop(entries);
      }
    }
  };
  const startPump = (): void => {
    pumping ??= pump().finally(() => {
      pumping = null;
      if (queue.length > 0) startPump();
    });
  };
  const leaveQueue = (call: Call): void => {
    drop(queue.filter((entry) => entry.call === call));
    queue = queue.filter((entry) => entry.call !== call);
  };
  const createCall = (left: number, resolve: () => void, reject: (error: ModisteError) => void): Call => {
    const late = (): void =>
      call.settle(new ModisteError("unavailable", "publish_timeout", `Kafka did not acknowledge within ${limits.waitMs} ms`));
    const timer = setTimeout(late, limits.waitMs);
    const call: Call = {
      left,
      settled: false,
      settle: (error) => {
        if (call.settled) return;
        call.settled = true;
        clearTimeout(timer);
        if (error === undefined) return resolve();
        leaveQueue(call);
        reject(error);
      },
    };
    return call;
  };
  const checkSize = (records: number, sizes: readonly number[]): void => {
    const largest = Math.max(...sizes);
    if (largest > sendMax.bytes)
      throw new ModisteError("invalid_argument", "record_too_large", `a record of ${largest} bytes; ${sendMax.bytes} are taken at most`);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (held.records + records > limits.recordsMax || held.bytes + bytes > limits.bytesMax)
      throw new ModisteError("resource_exhausted", "bus_full", `${held.records} records wait for Kafka already`);
  };
  const requireOpen = (): void => {
    if (closed) throw new ModisteError("unavailable", "bus_closed", "the bus is closed");
  };

  return {
    publish: async (topic, records) => {
      requireOpen();
      if (records.length === 0) return;
      const sizes = records.map(bytesOf);
      checkSize(records.length, sizes);
      await new Promise<void>((resolve, reject) => {
        const call = createCall(records.length, resolve, reject);
        records.forEach((record, i) => {
          queue.push({ topic, message: messageOf(record), bytes: sizes[i]!, call });
          held.bytes += sizes[i]!;
        });
        held.records += records.length;
        startPump();
      });
    },
    publishToAll: async (topic, recordFor) => {
      requireOpen();
      await topics.ensure(topic);
      // A producer of its own: one that runs may not have heard of a partition yet, and would leave it out in silence.
      let own: Producer | null = null;
      try {
        own = await openProducer();
        const partitions = await topics.partitions(topic);
        const record = recordFor(partitions.map(topics.nameOf));
        const acknowledged = await own.send({ topic, acks: -1, messages: partitions.map((n) => messageOf(record, n)) });
        const missing = partitions.filter((n) => !acknowledged.some(({ partition }) => partition === n));
        if (missing.length > 0) throw new ModisteError("unavailable", "partition_missing", `no copy in partition ${missing.join(", ")}`);
      } catch (cause) {
        throw fromKafka(cause, `publishing to every partition of ${topic}`);
      } finally {
        if (own) await discard(own);
      }
    },
    close: async () => {
      closed = true;
      await pumping;
      if (producer) await discard(producer);
      producer = null;
    },
  };
}
