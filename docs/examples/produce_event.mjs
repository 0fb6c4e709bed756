// A producer of events that is not the gateway: writes one view as JSON to the topic of events. The contract is docs/events.md.
//   node docs/examples/produce_event.mjs 127.0.0.1:9092 user-1 item-1

import { randomUUID } from "node:crypto";
import { Kafka, logLevel, Partitioners } from "kafkajs";

const [broker, subject, item, topic = "modiste.events.v1"] = process.argv.slice(2);
if (!item) throw new Error("usage: produce_event.mjs <host:port> <subject> <item> [topic]");

const event = {
  // A second try with the same id changes nothing.
  event_id: randomUUID(),
  subject,
  item_id: item,
  type: "view",
  time: Math.floor(Date.now() / 1000),
};

const kafka = new Kafka({ clientId: "shop-backend", brokers: [broker], logLevel: logLevel.ERROR });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, idempotent: true, allowAutoTopicCreation: false });
await producer.connect();
try {
  const message = { key: event.subject, value: JSON.stringify(event), headers: { "content-type": "application/json" } };
  await producer.send({ topic, acks: -1, messages: [message] });
  process.stdout.write(`${event.event_id}\n`);
} finally {
  await producer.disconnect();
}
