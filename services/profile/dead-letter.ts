/** A record that could not be read, with its place and cause: JSON, so that a person reads it without tools of ours. */

import type { BusRecord, ConsumedRecord } from "#libs/bus/bus.ts";

export function deadLetter(topic: string, partition: string, { key, offset, headers, value }: ConsumedRecord, cause: string): BusRecord {
  const letter = { topic, partition, offset, cause, headers, value: Buffer.from(value).toString("base64") };
  return { key, value: Buffer.from(JSON.stringify(letter)), headers: { "content-type": "application/json" } };
}
