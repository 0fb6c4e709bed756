import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "#libs/core/clock.ts";
import { eventBusContract } from "#libs/testing/event-bus-contract.ts";
import { readPublished, retentionSeconds, topics } from "./bus.ts";
import { openLmdbBus } from "./lmdb-bus.ts";

eventBusContract("lmdb", async () => {
  const folder = await mkdtemp(join(tmpdir(), "modiste-bus-"));
  const bus = openLmdbBus(folder);
  const others: ReturnType<typeof openLmdbBus>[] = [];
  return {
    bus,
    topic: "t",
    other: async () => {
      const other = openLmdbBus(folder);
      others.push(other);
      return other;
    },
    remove: async () => {
      for (const opened of [bus, ...others]) await opened.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

it("drops records of answers a day after they were written, a few with each that comes, and of events nothing before their week is over", async () => {
  const folder = await mkdtemp(join(tmpdir(), "modiste-bus-"));
  let now = 1_000_000;
  const bus = openLmdbBus(folder, { ...systemClock, nowSeconds: () => now });
  const publish = async (from: number, count: number): Promise<void> => {
    const records = Array.from({ length: count }, (_, i) => ({ key: `k${from + i}`, value: new Uint8Array(0) }));
    for (const topic of [topics.served, topics.events]) await bus.publish(topic, records);
  };
  const held = async (topic: string): Promise<string[]> => {
    const keys: string[] = [];
    await readPublished(bus, topic, async ({ records }) => void keys.push(...records.map(({ key }) => key)));
    return keys;
  };
  await publish(0, 5);
  now += retentionSeconds[topics.served]! - 1;
  await publish(5, 1);
  expect(await held(topics.served)).toHaveLength(6);
  now += 2;
  await publish(6, 1);
  expect(await held(topics.served)).toEqual(["k2", "k3", "k4", "k5", "k6"]);
  await publish(7, 2);
  expect(await held(topics.served)).toEqual(["k5", "k6", "k7", "k8"]);
  expect(await held(topics.events)).toHaveLength(9);
  await bus.close();
  await rm(folder, { recursive: true, force: true });
});
