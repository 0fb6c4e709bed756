/** Settings of the bus over Kafka. */

import { type KafkaBusOptions, saslMechanisms } from "#libs/bus/kafka-options.ts";
import { choice, flag, form, integer, list, secret, text } from "#libs/config/fields.ts";
import { type ConfigOf, defineConfig } from "#libs/config/schema.ts";

export const kafkaSettings = defineConfig({
  kafkaBrokers: list("KAFKA_BROKERS", "brokers of the bus, host:port; none: the embedded bus", { max: 32, fallback: [] }),
  kafkaSsl: flag("KAFKA_SSL", "whether brokers are reached over TLS", { fallback: false }),
  kafkaSaslMechanism: choice("KAFKA_SASL_MECHANISM", "how brokers are told who we are", ["none", ...saslMechanisms], { fallback: "none" }),
  kafkaSaslUsername: text("KAFKA_SASL_USERNAME", "name that brokers know us by", { fallback: "" }),
  kafkaSaslPassword: secret("KAFKA_SASL_PASSWORD", "password that goes with it", { fallback: "" }),
  kafkaEpoch: form(
    "KAFKA_EPOCH",
    "a word that must change when a topic was deleted and made anew: positions of before count no more",
    "letters, digits, - and _",
    (word) => /^[\w-]*$/.test(word),
    { fallback: "" },
  ),
  kafkaTopicPrefix: form(
    "KAFKA_TOPIC_PREFIX",
    "stands before the names of topics and groups: fleets that share a cluster keep apart by it",
    "at most 64 letters, digits, dots, - and _",
    (prefix) => /^[\w.-]{0,64}$/.test(prefix),
    { fallback: "" },
  ),
  kafkaPartitions: integer("KAFKA_PARTITIONS", "partitions of a topic that is created", { min: 1, max: 10_000, fallback: 12 }),
  kafkaReplication: integer("KAFKA_REPLICATION", "copies of each partition of a topic that is created", { min: 1, max: 15, fallback: 1 }),
});

export type KafkaSettings = ConfigOf<typeof kafkaSettings>;

/** Null where no broker is named. */
export function kafkaOptions(settings: KafkaSettings): KafkaBusOptions | null {
  const { kafkaBrokers: brokers, kafkaSsl: ssl, kafkaEpoch: epoch, kafkaPartitions: partitions, kafkaReplication: replication } = settings;
  if (brokers.length === 0) return null;
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = settings;
  const options = { brokers, ssl, epoch, topicPrefix: settings.kafkaTopicPrefix, partitions, replication };
  return mechanism === "none" ? options : { ...options, sasl: { mechanism, username, password } };
}
