/**
 * The bus over Kafka, for fleets of more than one machine. Names of partitions carry the cluster's id and the word `epoch`: a topic that is made
 * anew needs another word, or its readers stop and say so.
 */

import { ModisteError } from "#libs/core/errors.ts";
import type { ConsumeOptions, Consumer, EventBus } from "./bus.ts";
import { whenReady } from "./kafka-client.ts";
import { openKafkaConsumer } from "./kafka-consumer.ts";
import type { KafkaBusOptions } from "./kafka-options.ts";
import { createKafkaPublisher } from "./kafka-producer.ts";
import { openKafkaTopics } from "./kafka-topics.ts";

/**
 * Connects when first used, so that a fleet starts without Kafka: until it is there each call is refused with `unavailable` after some seconds.
 * @throws invalid_argument for no brokers, or an `epoch` with other signs than letters, digits, "-" and "_".
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<EventBus> {
  const { brokers, epoch = "", topicPrefix = "" } = options;
  if (brokers.length === 0) throw new ModisteError("invalid_argument", "no_brokers", "Kafka needs a broker to begin with");
  if (!/^[\w-]*$/.test(epoch)) throw new ModisteError("invalid_argument", "invalid_epoch", `"${epoch}" is no word for an epoch`);
  const topics = openKafkaTopics(options);
  const publisher = createKafkaPublisher(options, topics);
  const consumers = new Set<Promise<Consumer>>();
  const closing = new AbortController();
  const join = async (topic: string, consume: ConsumeOptions): Promise<Consumer> => {
    const opening = openKafkaConsumer({ options, topics, topic, consume, onEnd: () => consumers.delete(opening) });
    consumers.add(opening);
    return opening;
  };
  return {
    publish: (name, records) => publisher.publish(topicPrefix + name, records),
    publishToAll: (name, recordFor) => publisher.publishToAll(topicPrefix + name, recordFor),
    consume: async (name, consume) => {
      const topic = topicPrefix + name;
      await topics.ensure(topic);
      return whenReady(() => join(topic, consume), closing.signal);
    },
    ends: async (name) => {
      const topic = topicPrefix + name;
      await topics.ensure(topic);
      const kept = [...(await topics.offsets(topic))].filter(([, { low, high }]) => high > low);
      return new Map(kept.map(([partition, { high }]) => [topics.nameOf(partition), high]));
    },
    close: async () => {
      closing.abort();
      // One that cannot join is on its way out by itself.
      await Promise.all([...consumers].map((opening) => opening.then((consumer) => consumer.close()).catch(() => undefined)));
      await publisher.close();
      await topics.close();
    },
  };
}
