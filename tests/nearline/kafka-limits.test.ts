/** What is particular to Kafka: bounds in records, bytes and time, a broker that is not there, a topic that was made anew. */

import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { EventBus } from "#libs/bus/bus.ts";
import { openKafkaBus } from "#libs/bus/kafka-bus.ts";
import type { KafkaBusOptions } from "#libs/bus/kafka-options.ts";
import { textOf } from "#libs/testing/event-bus-harness.ts";
import { freePorts } from "#libs/testing/free-port.ts";
import { defer } from "#libs/testing/rpc-harness.ts";
import { adminOf, kafkaServer, openOn } from "./kafka-server.ts";

const record = (size: number) => ({ key: "k", value: new Uint8Array(size) });
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(options: Partial<KafkaBusOptions> & Pick<KafkaBusOptions, "brokers">): Promise<EventBus> {
  const bus = await openKafkaBus(options);
  closers.push(() => bus.close());
  return bus;
}

/** A broker that takes connections and never says a word. */
async function silentBroker(): Promise<string> {
  const sockets = new Set<Socket>();
  const server = await new Promise<Server>((resolve) => {
    const listening = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
    });
    listening.listen(0, "127.0.0.1", () => resolve(listening));
  });
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

describe("the bus without Kafka", () => {
  it("opens, and refuses each call with `unavailable`", async () => {
    const [port] = await freePorts(1);
    const bus = await open({ brokers: [`127.0.0.1:${port}`] });
    await expect(bus.publish("t", [record(1)])).rejects.toMatchObject({ code: "unavailable" });
    await expect(bus.consume("t", { group: "g", startAt: () => 0, onBatch: async () => undefined })).rejects.toMatchObject({
      code: "unavailable",
    });
    await expect(bus.ends("t")).rejects.toMatchObject({ code: "unavailable" });
  });
  it("waits no longer than it says for a broker that is silent, and holds no more than it says", async () => {
    const bus = await open({ brokers: [await silentBroker()], limits: { waitMs: 300, recordsMax: 5, bytesMax: 1000 } });
    const first = bus.publish("t", [record(1), record(1), record(1)]);
    const failed = expect(first).rejects.toMatchObject({ code: "unavailable", reason: "publish_timeout" });
    await expect(bus.publish("t", [record(1), record(1), record(1)])).rejects.toMatchObject({ code: "resource_exhausted" });
    await expect(bus.publish("t", [record(900)])).rejects.toMatchObject({ code: "resource_exhausted" });
    await failed;
  });
  it("refuses a record that no broker would take, and one without brokers or with an epoch that is no word", async () => {
    const [port] = await freePorts(1);
    const bus = await open({ brokers: [`127.0.0.1:${port}`] });
    await expect(bus.publish("t", [record(2 ** 20)])).rejects.toMatchObject({ code: "invalid_argument", reason: "record_too_large" });
    await expect(openKafkaBus({ brokers: [] })).rejects.toMatchObject({ reason: "no_brokers" });
    await expect(openKafkaBus({ brokers: ["b:1"], epoch: "a/b" })).rejects.toMatchObject({ reason: "invalid_epoch" });
    await bus.close();
    await expect(bus.publish("t", [record(1)])).rejects.toMatchObject({ code: "unavailable", reason: "bus_closed" });
  });
});

const server = kafkaServer("MODISTE_TEST_KAFKA");

describe.skipIf(server === null)("the bus over Kafka", () => {
  const harnessOf = async (partitions: number, options: Partial<KafkaBusOptions> = {}) => {
    const harness = await openOn(server!, options)(partitions);
    closers.push(() => harness.remove());
    return harness;
  };

  it("sends what is large in several requests and compressed, in order", async () => {
    const { bus, topic } = await harnessOf(1);
    const value = (i: number): Uint8Array => new TextEncoder().encode(`${i} `.repeat(40_000));
    await bus.publish(
      topic,
      Array.from({ length: 20 }, (_, i) => ({ key: "k", value: value(i) })),
    );
    const read: number[] = [];
    const all = defer<void>();
    const consumer = await bus.consume(topic, {
      startAt: () => 0,
      onBatch: async ({ records }) => {
        read.push(...records.map((taken) => Number.parseInt(textOf(taken), 10)));
        if (read.length === 20) all.resolve();
      },
    });
    await all.promise;
    await consumer.close();
    expect(read).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
  it("names partitions by cluster, word and number", async () => {
    const { bus, topic } = await harnessOf(1, { epoch: "second" });
    await bus.publish(topic, [record(1)]);
    expect([...(await bus.ends(topic)).keys()]).toEqual([expect.stringMatching(/^[\w-]{10,}\.second\/0$/)]);
  });
  it("stops a consumer whose position lies beyond the log, naming topic, partition and setting", async () => {
    const { bus, topic } = await harnessOf(1);
    await bus.publish(topic, [record(1)]);
    const consuming = bus.consume(topic, { group: "g", startAt: () => 2, onBatch: async () => undefined });
    await expect(consuming).rejects.toMatchObject({ code: "failed_precondition", reason: "position_beyond_log" });
    await expect(consuming).rejects.toThrow(new RegExp(`${topic}, partition [\\w-]+/0: position 2 .* end 1.*MODISTE_KAFKA_EPOCH`));
  });
  it("begins where the store says, whatever the group has committed, and not before what is kept", async () => {
    const { bus, topic } = await harnessOf(1);
    await bus.publish(
      topic,
      Array.from({ length: 10 }, () => record(1)),
    );
    const admin = adminOf(server!);
    await admin.connect();
    closers.push(() => admin.disconnect());
    const firstFrom = async (start: number): Promise<number> => {
      const first = defer<number>();
      const consumer = await bus.consume(topic, {
        group: "g",
        startAt: () => start,
        onBatch: async ({ records }) => first.resolve(records[0]!.offset),
      });
      const offset = await first.promise;
      await consumer.close();
      return offset;
    };
    expect(await firstFrom(4)).toBe(4);
    const [committed] = await admin.fetchOffsets({ groupId: `g.${topic}`, topics: [topic] });
    expect(committed!.partitions).toMatchObject([{ partition: 0, offset: "10" }]);
    expect(await firstFrom(7)).toBe(7);
    expect(await firstFrom(2)).toBe(2);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "5" }] });
    expect(await firstFrom(2)).toBe(5);
  });
  it("keeps its place in the group while a batch takes longer than a session", async () => {
    const { bus, topic } = await harnessOf(1);
    let calls = 0;
    const done = defer<void>();
    const applied = defer<void>();
    const consumer = await bus.consume(topic, {
      group: "g",
      startAt: () => 0,
      onBatch: async ({ records }) => {
        calls += records.length;
        if (calls === 1) await done.promise;
        else applied.resolve();
      },
    });
    await bus.publish(topic, [record(1)]);
    const admin = adminOf(server!);
    await admin.connect();
    closers.push(() => admin.disconnect());
    const state = async () => (await admin.describeGroups([`g.${topic}`])).groups[0]!;
    const [member] = (await state()).members;
    // The session is 6 seconds: without heartbeats the group would be empty before.
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    expect((await state()).members.map(({ memberId }) => memberId)).toEqual([member!.memberId]);
    done.resolve();
    await bus.publish(topic, [record(1)]);
    await applied.promise;
    await consumer.close();
    expect(calls).toBe(2);
  });
  it("leaves no group of a reader behind", async () => {
    const { bus, topic } = await harnessOf(1);
    const admin = adminOf(server!);
    await admin.connect();
    closers.push(() => admin.disconnect());
    const readers = async (): Promise<string[]> => {
      const { groups } = await admin.listGroups();
      const ids = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith("modiste-reader-"));
      const described = ids.length === 0 ? { groups: [] } : await admin.describeGroups(ids);
      return described.groups.filter(({ members }) => members.some(({ clientId }) => clientId === topic)).map(({ groupId }) => groupId);
    };
    const own = await open({ brokers: [server!.broker], clientId: topic });
    const consumer = await own.consume(topic, { startAt: () => 0, onBatch: async () => undefined });
    const [groupId] = await readers();
    expect(groupId).toBeDefined();
    await consumer.close();
    const { groups } = await admin.listGroups();
    expect(groups.map((group) => group.groupId)).not.toContain(groupId);
    await bus.publish(topic, []);
  });
});
