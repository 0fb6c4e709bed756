/** Where the tests find Kafka: `npm run services:up -- --test` starts it and says so in the environment. */

import { randomUUID } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import type { EventBus } from "#libs/bus/bus.ts";
import { openKafkaBus } from "#libs/bus/kafka-bus.ts";
import type { KafkaBusOptions } from "#libs/bus/kafka-options.ts";
import type { OpenBus } from "#libs/testing/event-bus-harness.ts";

export interface KafkaServer {
  /** "host:port". */
  readonly broker: string;
  /** For the name of a suite. */
  readonly name: string;
}

const variables = { MODISTE_TEST_KAFKA: "Kafka", MODISTE_TEST_KAFKA_OLD: "Kafka, the oldest we claim" } as const;

/** Null: there is none here and the tests are left out, with a word on stderr. @throws in CI, where nothing may be left out. */
export function kafkaServer(variable: keyof typeof variables): KafkaServer | null {
  const broker = process.env[variable];
  if (broker) return { broker, name: variables[variable] };
  const why = `${variable} is not set: npm run services:up -- --test`;
  if (process.env.CI) throw new Error(why);
  process.stderr.write(`${variables[variable]} is not tested: ${why}\n`);
  return null;
}

export const adminOf = ({ broker }: KafkaServer) => new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();

/** A topic of its own for each harness; removed at the end. */
export function openOn(server: KafkaServer, options: Partial<KafkaBusOptions> = {}): OpenBus {
  return async (partitions) => {
    const topic = `test.${randomUUID()}`;
    const opened: EventBus[] = [];
    const open = async (): Promise<EventBus> => {
      const bus = await openKafkaBus({ brokers: [server.broker], partitions, ...options });
      opened.push(bus);
      return bus;
    };
    const admin = adminOf(server);
    await admin.connect();
    return {
      bus: await open(),
      topic,
      other: open,
      addPartitions: async (count) => {
        await admin.createPartitions({ topicPartitions: [{ topic, count }] });
      },
      remove: async () => {
        for (const bus of opened) await bus.close();
        if ((await admin.listTopics()).includes(topic)) await admin.deleteTopics({ topics: [topic] });
        await admin.disconnect();
      },
    };
  };
}
