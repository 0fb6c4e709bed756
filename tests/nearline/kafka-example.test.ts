/** The sample producer of docs/events.md: what it writes is an event to those who read the topic. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { type ConsumedRecord, readPublished } from "#libs/bus/bus.ts";
import { readEntry } from "#libs/events/log-entry.ts";
import { kafkaServer, openOn } from "./kafka-server.ts";

const script = fileURLToPath(new URL("../../docs/examples/produce_event.mjs", import.meta.url));
const server = kafkaServer("MODISTE_TEST_KAFKA");

describe.skipIf(server === null)(`the sample producer${server === null ? ": MODISTE_TEST_KAFKA is not set" : ""}`, () => {
  it("writes an event that is read as one", async () => {
    const { bus, topic, remove } = await openOn(server!)(3);
    try {
      await bus.ends(topic);
      const { stdout } = await promisify(execFile)(process.execPath, [script, server!.broker, "user-1", "item-1", topic]);
      const records: ConsumedRecord[] = [];
      await readPublished(bus, topic, async (batch) => void records.push(...batch.records));
      expect(records.map(({ key }) => key)).toEqual(["user-1"]);
      expect(readEntry(records[0]!)).toMatchObject({
        entry: { kind: "event", event: { eventId: stdout.trim(), subject: "user-1", itemId: "item-1", type: "view" } },
      });
    } finally {
      await remove();
    }
  });
});
