/** What every adapter of the event bus must do; run against the real server. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BusRecord, type ConsumedRecord, type EventBus, readPublished } from "#libs/bus/bus.ts";
import { defer } from "./rpc-harness.ts";

export interface BusHarness {
  readonly bus: EventBus;
  /** A second connection to the same bus, as another process would have. */
  other(): Promise<EventBus>;
  remove(): Promise<void>;
}

const record = (text: string): BusRecord => ({ key: `key ${text}`, value: new TextEncoder().encode(text) });
const textOf = ({ value }: ConsumedRecord): string => new TextDecoder().decode(value);

/** Consumes from `start` until `count` records came. */
async function collect(bus: EventBus, count: number, start = 0): Promise<ConsumedRecord[]> {
  const records: ConsumedRecord[] = [];
  const enough = defer<void>();
  const consumer = await bus.consume("t", {
    startAt: () => start,
    onBatch: async (batch) => {
      records.push(...batch.records);
      if (records.length >= count) enough.resolve();
    },
  });
  await enough.promise;
  await consumer.close();
  return records;
}

export function eventBusContract(adapter: string, open: () => Promise<BusHarness>): void {
  describe(`event bus over ${adapter}`, () => {
    let harness: BusHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.remove());

    it("delivers what was published, in order, with keys and rising offsets", async () => {
      await harness.bus.publish("t", [record("a"), record("b")]);
      await harness.bus.publish("t", [record("c")]);
      const records = await collect(harness.bus, 3);
      expect(records.map(textOf)).toEqual(["a", "b", "c"]);
      expect(records.map(({ key }) => key)).toEqual(["key a", "key b", "key c"]);
      expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2]);
      expect(records[0]!.publishedSeconds).toBeGreaterThan(1_600_000_000);
    });
    it("delivers what is published while it is consumed, also by another process", async () => {
      const arriving = collect(harness.bus, 2);
      await harness.bus.publish("t", [record("mine")]);
      await (await harness.other()).publish("t", [record("theirs")]);
      expect((await arriving).map(textOf)).toEqual(["mine", "theirs"]);
    });
    it("starts at the position that the consumer gives", async () => {
      await harness.bus.publish("t", [record("a"), record("b"), record("c")]);
      expect((await collect(harness.bus, 1, 2)).map(textOf)).toEqual(["c"]);
    });
    it("keeps the order of many publishers, loses nothing and doubles nothing", async () => {
      await Promise.all(Array.from({ length: 50 }, (_, i) => harness.bus.publish("t", [record(`${i}`)])));
      const records = await collect(harness.bus, 50);
      expect(new Set(records.map(textOf)).size).toBe(50);
      expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    });
    it("stops a consumer whose batch fails, and says why", async () => {
      await harness.bus.publish("t", [record("a")]);
      const consumer = await harness.bus.consume("t", {
        startAt: () => 0,
        onBatch: async () => {
          throw new Error("cannot be applied");
        },
      });
      await expect(consumer.finished).rejects.toThrow("cannot be applied");
    });
    it("reads to the end what was published before, also by another process, and stops there", async () => {
      const read: string[] = [];
      const take = async ({ records }: { readonly records: readonly ConsumedRecord[] }): Promise<void> => {
        read.push(...records.map(textOf));
        // What comes while it reads is not waited for, nor delivered.
        await harness.bus.publish("t", [record("later")]);
      };
      await readPublished(harness.bus, "t", take);
      expect(read).toEqual([]);
      await harness.bus.publish("t", [record("a"), record("b")]);
      await readPublished(await harness.other(), "t", take);
      expect(read).toEqual(["a", "b"]);
      await expect(readPublished(harness.bus, "t", () => Promise.reject(new Error("cannot be read")))).rejects.toThrow("cannot be read");
    });
    it("takes an empty publication for done", async () => {
      await harness.bus.publish("t", []);
      await harness.bus.publish("t", [record("a")]);
      expect((await collect(harness.bus, 1))[0]!.offset).toBe(0);
    });
  });
}
