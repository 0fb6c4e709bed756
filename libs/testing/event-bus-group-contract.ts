/** What an adapter of the event bus whose topics have several partitions must do beside. */

import { afterEach, describe, expect, it } from "vitest";
import type { Consumer, EventBus } from "#libs/bus/bus.ts";
import { type BusHarness, type OpenBus, record, textOf } from "./event-bus-harness.ts";

const texts = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `${from + i}`);

/** The shared store of a group: positions, and what was applied with them, once in effect. */
function createStore() {
  const positions = new Map<string, number>();
  const applied: string[] = [];
  /** Members by partition, in the order in which they were given it. */
  const holders = new Map<string, string[]>();
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const look of waiting) look();
  };
  const join = (bus: EventBus, topic: string, member: string): Promise<Consumer> =>
    bus.consume(topic, {
      group: "g",
      startAt: (partition) => {
        holders.set(partition, [...(holders.get(partition) ?? []), member]);
        changed();
        return positions.get(partition) ?? 0;
      },
      onBatch: async ({ partition, records }) => {
        const from = positions.get(partition) ?? 0;
        const fresh = records.filter(({ offset }) => offset >= from);
        // A gap would be a loss: no record of these topics is ever dropped.
        expect(fresh.map(({ offset }) => offset)).toEqual(fresh.map((_, i) => from + i));
        positions.set(partition, records.at(-1)!.offset + 1);
        applied.push(...fresh.map(textOf));
        changed();
      },
    });
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const heldNow = (member: string): number => [...holders.values()].filter((members) => members.at(-1) === member).length;
  return { applied, holders, heldNow, join, until };
}

export function eventBusGroupContract(adapter: string, open: OpenBus): void {
  describe(`event bus over ${adapter}: several partitions`, () => {
    let harness: BusHarness;
    afterEach(() => harness.remove());

    it("keeps a key in one partition and spreads keys", async () => {
      harness = await open(4);
      const { bus, topic } = harness;
      for (let round = 0; round < 3; round++) await bus.publish(topic, texts(0, 40).map(record));
      const found = new Map<string, Set<string>>();
      let count = 0;
      await new Promise<void>((resolve, reject) => {
        const consuming = bus.consume(topic, {
          startAt: () => 0,
          onBatch: async ({ partition, records }) => {
            for (const { key } of records) found.set(key, (found.get(key) ?? new Set()).add(partition));
            count += records.length;
            if (count === 120) resolve();
          },
        });
        consuming.then((consumer) => consumer.finished).catch(reject);
      });
      expect([...found.values()].every((partitions) => partitions.size === 1)).toBe(true);
      expect(new Set([...found.values()].flatMap((partitions) => [...partitions])).size).toBe(4);
    });

    it("shares the partitions of a group, hands them over, loses nothing and repeats nothing in effect", async () => {
      harness = await open(4);
      const { bus, topic } = harness;
      const store = createStore();
      const first = await store.join(bus, topic, "first");
      await bus.publish(topic, texts(0, 40).map(record));
      await store.until(() => store.applied.length === 40);
      const second = await store.join(await harness.other(), topic, "second");
      await store.until(() => store.heldNow("first") === 2 && store.heldNow("second") === 2);
      await bus.publish(topic, texts(40, 40).map(record));
      await store.until(() => store.applied.length === 80);
      await first.close();
      await bus.publish(topic, texts(80, 40).map(record));
      await store.until(() => store.applied.length === 120 && store.heldNow("second") === 4);
      await second.close();
      expect(store.applied.toSorted((a, b) => Number(a) - Number(b))).toEqual(texts(0, 120));
    });

    it("gives every reader without a group all partitions", async () => {
      harness = await open(3);
      const { bus, topic } = harness;
      await bus.publish(topic, texts(0, 30).map(record));
      const readAll = (from: EventBus): Promise<string[]> =>
        new Promise((resolve, reject) => {
          const read: string[] = [];
          const consuming = from.consume(topic, {
            startAt: () => 0,
            onBatch: async ({ records }) => {
              read.push(...records.map(textOf));
              if (read.length === 30) resolve(read.toSorted((a, b) => Number(a) - Number(b)));
            },
          });
          consuming.then((consumer) => consumer.finished).catch(reject);
        });
      expect(await Promise.all([readAll(bus), readAll(await harness.other())])).toEqual([texts(0, 30), texts(0, 30)]);
    });

    it("finds partitions that are added while it consumes, and loses nothing of them", async () => {
      harness = await open(2);
      const { bus, topic } = harness;
      const store = createStore();
      const consumer = await store.join(bus, topic, "only");
      await bus.publish(topic, texts(0, 20).map(record));
      await harness.addPartitions!(4);
      // One that comes later knows all partitions from its first record on; what they hold then is older than the assignment.
      await (await harness.other()).publish(topic, texts(20, 40).map(record));
      await store.until(() => store.applied.length === 60 && store.holders.size === 4);
      await consumer.close();
      expect(store.applied.toSorted((a, b) => Number(a) - Number(b))).toEqual(texts(0, 60));
    });

    it("puts one copy into every partition, also into one that was just added", async () => {
      harness = await open(2);
      const { bus, topic } = harness;
      await bus.publish(topic, texts(0, 10).map(record));
      await harness.addPartitions!(3);
      let names: readonly string[] = [];
      await bus.publishToAll(topic, (partitions) => {
        names = partitions;
        return record("all");
      });
      expect(names).toHaveLength(3);
      const copies: string[] = [];
      await new Promise<void>((resolve, reject) => {
        const consuming = bus.consume(topic, {
          startAt: () => 0,
          onBatch: async ({ partition, records }) => {
            for (const copy of records) if (textOf(copy) === "all") copies.push(partition);
            if (copies.length === 3) resolve();
          },
        });
        consuming.then((consumer) => consumer.finished).catch(reject);
      });
      expect(copies.toSorted()).toEqual([...names].toSorted());
    });
  });
}
