import { expect, it } from "vitest";
import { type BusRecord, type ConsumedRecord, topics } from "#libs/bus/bus.ts";
import { openKafkaBus } from "#libs/bus/kafka-bus.ts";
import { freePorts } from "#libs/testing/free-port.ts";
import { deadLetter, letterBytesMax, publishLetters } from "./dead-letter.ts";

const recordOf = (given: Partial<ConsumedRecord>): ConsumedRecord => ({
  key: "k",
  value: Uint8Array.of(255, 0, 1),
  headers: { a: "b" },
  offset: 7,
  publishedSeconds: 1000,
  ...given,
});
const letterOf = ({ value }: BusRecord): Record<string, unknown> =>
  JSON.parse(Buffer.from(value).toString("utf8")) as Record<string, unknown>;

it("says place, cause and the whole record", () => {
  const letter = deadLetter(topics.events, "e/0", recordOf({}), "not an event");
  expect(letter.key).toBe("k");
  expect(letterOf(letter)).toEqual({
    topic: topics.events,
    partition: "e/0",
    offset: 7,
    cause: "not an event",
    headers: { a: "b" },
    value: Buffer.from([255, 0, 1]).toString("base64"),
  });
});

it("cuts what is long, and says so", () => {
  const value = Uint8Array.from({ length: 900 * 1024 }, (_, i) => i % 251);
  const { value: cut, ...rest } = letterOf(deadLetter(topics.events, "e/0", recordOf({ value }), "c"));
  expect(Buffer.from(cut as string, "base64")).toEqual(Buffer.from(value.subarray(0, letterBytesMax)));
  expect(rest).toMatchObject({ truncated: true, bytes: value.length });
  const headers = { first: "x", long: "x".repeat(letterBytesMax), last: "y" };
  expect(letterOf(deadLetter(topics.events, "e/0", recordOf({ headers }), "c"))).toMatchObject({
    headers: { first: "x", last: "y" },
    truncated: true,
    bytes: 3,
  });
});

it("of a record of any size the bus takes the letter", async () => {
  const [port] = await freePorts(1);
  const bus = await openKafkaBus({ brokers: [`127.0.0.1:${port}`] });
  const size = 880 * 1024;
  const escaped = "\u0001".repeat(size);
  const large = [
    recordOf({ value: new Uint8Array(size) }),
    recordOf({ key: "é".repeat(size / 2) }),
    recordOf({ headers: { long: escaped } }),
    recordOf({
      headers: Object.fromEntries(Array.from({ length: 800 }, (_, i) => [`h${i}`, "\u0001".repeat(1000)])),
      value: new Uint8Array(70_000),
    }),
  ];
  const letters = large.map((record) => deadLetter(topics.events, "e/0", record, escaped));
  // There is no broker: a record that is too large, or too many of them, would be refused as such before.
  await expect(bus.publish(topics.dead, letters)).rejects.toMatchObject({ code: "unavailable" });
  const largest = letters.toSorted((a, b) => b.value.length - a.value.length)[0]!;
  await expect(publishLetters(bus, new Array<BusRecord>(200).fill(largest))).rejects.toMatchObject({ code: "unavailable" });
  await bus.close();
});
