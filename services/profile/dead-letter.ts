/**
 * A record that could not be read, with its place and cause: JSON, so that a person reads it without tools of ours. A record may be as large as the bus
 * takes and the letter says it in base64, so what is long is cut: a letter that the bus refuses would hold up everything behind the record.
 */

import { type BusRecord, type ConsumedRecord, type EventBus, topics } from "#libs/bus/bus.ts";

/** Most bytes of a record's value in its letter, and of its headers together. */
export const letterBytesMax = 64 * 1024;
/** Most bytes of a letter's key: ids are shorter. */
const keyBytesMax = 1024;
/** Most letters of a cause, which may name what the record says. */
const causeLengthMax = 1000;

/** Most letters of one publication: the largest of them together are less than what may wait for the bus. */
const lettersMax = 50;

/** The headers that fit, in their order, and whether these are all. */
function cutHeaders(headers: ConsumedRecord["headers"]): { readonly kept: ConsumedRecord["headers"]; readonly whole: boolean } {
  let left = letterBytesMax;
  const entries = Object.entries(headers);
  const fitting = entries.filter(([name, text]) => {
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(text);
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
  return { kept: Object.fromEntries(fitting), whole: fitting.length === entries.length };
}

/** Where something was cut, `truncated` says so, and `bytes` how long the value was. */
export function deadLetter(topic: string, partition: string, { key, offset, headers, value }: ConsumedRecord, cause: string): BusRecord {
  const { kept, whole } = cutHeaders(headers);
  const keyBytes = Buffer.from(key);
  const isCut = !whole || value.length > letterBytesMax || keyBytes.length > keyBytesMax;
  const letter = {
    topic,
    partition,
    offset,
    cause: cause.slice(0, causeLengthMax),
    headers: kept,
    value: Buffer.from(value.subarray(0, letterBytesMax)).toString("base64"),
    ...(isCut ? { truncated: true, bytes: value.length } : {}),
  };
  return {
    key: keyBytes.length > keyBytesMax ? keyBytes.subarray(0, keyBytesMax).toString() : key,
    value: Buffer.from(JSON.stringify(letter)),
    headers: { "content-type": "application/json" },
  };
}

/** Resolves when they are durable. Throws what the bus throws. */
export async function publishLetters(bus: Pick<EventBus, "publish">, letters: readonly BusRecord[]): Promise<void> {
  for (let from = 0; from < letters.length; from += lettersMax) await bus.publish(topics.dead, letters.slice(from, from + lettersMax));
}
