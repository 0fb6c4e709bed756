/** What every adapter of the event bus must do; run against the real server. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConsumedBatch, type ConsumedRecord, type EventBus, readPublished } from "#libs/bus/bus.ts";
import { eventBusGroupContract } from "./event-bus-group-contract.ts";
import { type BusHarness, type OpenBus, record, textOf } from "./event-bus-harness.ts";
import { defer } from "./rpc-harness.ts";

/** Consumes from `start` until `count` records came. */
async function collect({ topic }: BusHarness, bus: EventBus, count: number, start = 0): Promise<ConsumedRecord[]> {
  const records: ConsumedRecord[] = [];
  const enough = defer<void>();
  const consumer = await bus.consume(topic, {
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

/** @param partitions most partitions that a topic can have: 1, or any number. */
export function eventBusContract(adapter: string, open: OpenBus, partitions: "one" | "many" = "one"): void {
  describe(`event bus over ${adapter}`, () => {
    let harness: BusHarness;
    beforeEach(async () => {
      harness = await open(1);
    });
    afterEach(() => harness.remove());
    const publish = (...texts: string[]): Promise<void> => harness.bus.publish(harness.topic, texts.map(record));

    it("delivers what was published, in order, with keys and rising offsets", async () => {
      await publish("a", "b");
      await publish("c");
      const records = await collect(harness, harness.bus, 3);
      expect(records.map(textOf)).toEqual(["a", "b", "c"]);
      expect(records.map(({ key }) => key)).toEqual(["key a", "key b", "key c"]);
      expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2]);
      expect(records[0]!.publishedSeconds).toBeGreaterThan(1_600_000_000);
    });
    it("carries headers, keys of any script, empty values and bytes that are no text", async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const headers = { "content-type": "application/json", "modiste-kind": "merge", empty: "", text: "naïve ☃" };
      await harness.bus.publish(harness.topic, [
        { key: "clé 鍵", value: bytes, headers },
        { key: "k", value: new Uint8Array(0) },
      ]);
      const [full, empty] = await collect(harness, harness.bus, 2);
      expect(full).toMatchObject({ key: "clé 鍵", headers });
      expect(Array.from(full!.value)).toEqual(Array.from(bytes));
      expect(empty).toMatchObject({ headers: {}, value: new Uint8Array(0) });
    });
    it("delivers what is published while it is consumed, also by another process", async () => {
      const arriving = collect(harness, harness.bus, 2);
      await publish("mine");
      await (await harness.other()).publish(harness.topic, [record("theirs")]);
      expect((await arriving).map(textOf)).toEqual(["mine", "theirs"]);
    });
    it("starts at the position that the consumer gives", async () => {
      await publish("a", "b", "c");
      expect((await collect(harness, harness.bus, 1, 2)).map(textOf)).toEqual(["c"]);
    });
    it("keeps the order of many publishers, loses nothing and doubles nothing", async () => {
      await Promise.all(Array.from({ length: 50 }, (_, i) => publish(`${i}`)));
      const records = await collect(harness, harness.bus, 50);
      expect(new Set(records.map(textOf)).size).toBe(50);
      expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    });
    it("hands out at most 1000 records at a time, one call after the other, and says how many wait", async () => {
      const count = 2500;
      await publish(...Array.from({ length: count }, (_, i) => `${i}`));
      const batches: ConsumedBatch[] = [];
      let under = 0;
      let most = 0;
      const done = defer<void>();
      const consumer = await harness.bus.consume(harness.topic, {
        startAt: () => 0,
        onBatch: async (batch) => {
          most = Math.max(most, ++under);
          await Promise.resolve();
          batches.push(batch);
          under--;
          if (batch.records.at(-1)!.offset === count - 1) done.resolve();
        },
      });
      await done.promise;
      await consumer.close();
      expect(batches.flatMap(({ records }) => records.map(({ offset }) => offset))).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(Math.max(...batches.map(({ records }) => records.length))).toBeLessThanOrEqual(1000);
      expect(most).toBe(1);
      for (const { end, records } of batches) expect(end).toBeGreaterThan(records.at(-1)!.offset);
      const [name] = (await harness.bus.ends(harness.topic)).keys();
      expect(new Set(batches.map(({ partition }) => partition))).toEqual(new Set([name]));
      expect(batches.at(-1)!.end).toBe(count);
    });
    it("says where its partitions end, and leaves out what holds nothing", async () => {
      expect([...(await harness.bus.ends(harness.topic)).values()].filter((end) => end > 0)).toEqual([]);
      await publish("a", "b");
      expect([...(await (await harness.other()).ends(harness.topic)).values()]).toEqual([2]);
    });
    it("stops a consumer whose batch fails, says why, and delivers the batch again to the next", async () => {
      await publish("a", "b");
      const consumer = await harness.bus.consume(harness.topic, {
        group: "g",
        startAt: () => 0,
        onBatch: async () => {
          throw new Error("cannot be applied");
        },
      });
      await expect(consumer.finished).rejects.toThrow("cannot be applied");
      const again = defer<string[]>();
      const next = await harness.bus.consume(harness.topic, {
        group: "g",
        startAt: () => 0,
        onBatch: async ({ records }) => again.resolve(records.map(textOf)),
      });
      expect(await again.promise).toEqual(["a", "b"]);
      await next.close();
    });
    it("stops a consumer whose position lies beyond the end, and says so: it has applied what the log does not hold", async () => {
      await publish("a", "b");
      const start = async (position: number): Promise<void> => {
        const consumer = await harness.bus.consume(harness.topic, { group: "g", startAt: () => position, onBatch: async () => undefined });
        await consumer.close();
        await consumer.finished;
      };
      await expect(start(3)).rejects.toMatchObject({ code: "failed_precondition", reason: "position_beyond_log" });
      await start(2);
    });
    it("stops a consumer whose start cannot be learned, and says why", async () => {
      await publish("a");
      const consuming = async (): Promise<void> => {
        const consumer = await harness.bus.consume(harness.topic, {
          startAt: () => Promise.reject(new Error("the store is away")),
          onBatch: async () => undefined,
        });
        await consumer.finished;
      };
      await expect(consuming()).rejects.toThrow("the store is away");
    });
    it("resolves `finished` of a consumer that is closed, after the batch under way", async () => {
      await publish("a");
      const begun = defer<void>();
      const mayEnd = defer<void>();
      let ended = false;
      const consumer = await harness.bus.consume(harness.topic, {
        startAt: () => 0,
        onBatch: async () => {
          begun.resolve();
          await mayEnd.promise;
          ended = true;
        },
      });
      await begun.promise;
      const closing = consumer.close().then(() => ended);
      mayEnd.resolve();
      expect(await closing).toBe(true);
      await consumer.finished;
    });
    it("reads to the end what was published before, also by another process, and stops there", async () => {
      const read: string[] = [];
      const take = async ({ records }: { readonly records: readonly ConsumedRecord[] }): Promise<void> => {
        read.push(...records.map(textOf));
        // What comes while it reads is not waited for, nor delivered.
        await publish("later");
      };
      await readPublished(harness.bus, harness.topic, take);
      expect(read).toEqual([]);
      await publish("a", "b");
      await readPublished(await harness.other(), harness.topic, take);
      expect(read).toEqual(["a", "b"]);
      const fails = readPublished(harness.bus, harness.topic, () => Promise.reject(new Error("cannot be read")));
      await expect(fails).rejects.toThrow("cannot be read");
    });
    it("takes an empty publication for done", async () => {
      await harness.bus.publish(harness.topic, []);
      await publish("a");
      expect((await collect(harness, harness.bus, 1))[0]!.offset).toBe(0);
    });
    it("puts one copy into every partition, which knows their names", async () => {
      const seen: (readonly string[])[] = [];
      await publish("before");
      await harness.bus.publishToAll(harness.topic, (names) => {
        seen.push(names);
        return { ...record("all"), headers: { kind: "erase" } };
      });
      const [, copy] = await collect(harness, harness.bus, 2);
      expect(copy).toMatchObject({ key: "key all", headers: { kind: "erase" } });
      expect(seen).toEqual([[...(await harness.bus.ends(harness.topic)).keys()]]);
    });
  });
  if (partitions === "many") eventBusGroupContract(adapter, open);
}
