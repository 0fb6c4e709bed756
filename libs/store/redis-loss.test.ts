/** What Redis loses comes back from the bus: servers of our own are killed, their logs cut, their data removed. */

import { afterEach, beforeEach, expect, it } from "vitest";
import type { Clock } from "#libs/core/clock.ts";
import type { Event } from "#libs/events/event.ts";
import { allCounts, recount } from "#libs/testing/counter-store-contract.ts";
import { ask, type OwnRedis, startRedis, until, withOwnRedis } from "#libs/testing/redis-servers.ts";
import type { CountedEvent } from "./counter-store.ts";
import { isPositionLost } from "./position-lost.ts";
import { applyChanges, emptyProfile, type ProfileChange } from "./profile.ts";
import { encodeProfile } from "./profile-codec.ts";
import type { ProfileBatch, ProfileStore } from "./profile-store.ts";
import { createRedisChangeStore } from "./redis-change-store.ts";
import { openRedis, type RedisConnection } from "./redis-connection.ts";
import { createRedisCounterStore } from "./redis-counter-store.ts";
import { slotOf } from "./redis-lineage.ts";
import { createRedisProfileStore } from "./redis-profile-store.ts";

const partition = "e/0";
const subjects = Array.from({ length: 12 }, (_, i) => `u${i}`);

const eventOf = (offset: number): Event => ({
  eventId: `e${offset}`,
  subject: subjects[offset % subjects.length]!,
  itemId: `i${offset % 7}`,
  type: "purchase",
  timeSeconds: 1_000_000 + offset,
  value: 1 + (offset % 3),
  quantity: 1,
  surface: "",
  recommendationId: "",
  position: 0,
});
const log: readonly ProfileChange[] = Array.from({ length: 200 }, (_, offset) => ({
  kind: "event",
  offset,
  event: eventOf(offset),
  copied: null,
}));

function batchesOf(from: number, next: number): ProfileBatch[] {
  const of = (key: string): ProfileChange[] => log.slice(from, next).filter(({ offset }) => eventOf(offset).subject === key);
  return subjects.map((key) => ({ key, changes: of(key) })).filter(({ changes }) => changes.length > 0);
}
const apply = (store: ProfileStore, from: number, next: number): Promise<unknown> =>
  store.apply(partition, batchesOf(from, next), { from, next });

/** As the follower does: from where the store stands, in batches, and again from there when writes were lost. Answers where it began each time. */
async function follow(store: ProfileStore, from: number, next: number): Promise<number[]> {
  const starts: number[] = [];
  let at = from;
  while (at < next) {
    try {
      await apply(store, at, Math.min(next, at + 20));
      at = Math.min(next, at + 20);
    } catch (error) {
      if (!isPositionLost(error)) throw error;
      at = await store.position(partition);
      starts.push(at);
    }
  }
  return starts;
}

const bytes = (profile: ReturnType<typeof emptyProfile> | null): string =>
  Buffer.from(encodeProfile(profile ?? emptyProfile())).toString("hex");
const expected = (next: number): string[] =>
  subjects.map((key) =>
    bytes(batchesOf(0, next).reduce((held, one) => (one.key === key ? applyChanges(held, partition, one.changes) : held), emptyProfile())),
  );
const profilesOf = async (store: ProfileStore): Promise<string[]> => (await store.get(subjects)).map(bytes);

/** A clock that stands still unless a test moves it: looks at the servers are then not repeated by the way. */
function stillClock(): Clock & { move(ms: number): void } {
  let ms = 0;
  return {
    nowSeconds: () => 0,
    monotonicMs: () => ms,
    move: (by) => {
      ms += by;
    },
  };
}

/** Until the client has connected again. */
const reachable = (connection: RedisConnection, keys: readonly string[] = ["any"]): Promise<void> =>
  until(
    () =>
      connection.send(keys.map((key) => ["get", key])).then(
        () => true,
        () => false,
      ),
    "a connection",
  );

withOwnRedis("a redis that loses writes", () => {
  let redis: OwnRedis;
  let connection: RedisConnection;
  beforeEach(async () => {
    redis = await startRedis();
    connection = await openRedis(redis.settings);
  });
  afterEach(async () => {
    await connection.close();
    await redis.remove();
  });
  const killed = async (meanwhile: () => Promise<void> = async () => undefined): Promise<void> => {
    await redis.kill();
    await meanwhile();
    await redis.start();
    await reachable(connection);
  };

  it("refuses once what follows on lost writes, and equals the log after a replay", async () => {
    const store = createRedisProfileStore(connection, { clock: stillClock() });
    await apply(store, 0, 60);
    const kept = await redis.logBytes();
    await apply(store, 60, 100);
    await killed(() => redis.cutLog(kept));
    const starts = await follow(store, 100, 200);
    expect(starts).toHaveLength(1);
    expect(starts[0]).toBeLessThanOrEqual(60);
    expect(await profilesOf(store)).toEqual(expected(200));
    expect(await store.position(partition)).toBe(200);
  });
  it("tells whoever opens it after the loss to begin before it", async () => {
    await apply(createRedisProfileStore(connection), 0, 100);
    await killed();
    const store = createRedisProfileStore(connection);
    expect(await store.position(partition)).toBe(0);
    // Gone back once: as long as no server changes, the position is where it is.
    await apply(store, 0, 50);
    expect(await store.position(partition)).toBe(50);
    expect(await createRedisProfileStore(connection).position(partition)).toBe(50);
  });
  it("goes back only as far as the loss can be", async () => {
    // Nothing can be lost here: the last entry of the history is what stands.
    const store = createRedisProfileStore(connection, { lossSeconds: 0 });
    await apply(store, 0, 100);
    await killed();
    expect(await store.position(partition)).toBe(100);
    await follow(store, 100, 200);
    expect(await profilesOf(store)).toEqual(expected(200));
  });
  it("begins at the start when it comes back empty, whatever its history said", async () => {
    const store = createRedisProfileStore(connection, { lossSeconds: 0 });
    await apply(store, 0, 100);
    await killed(() => redis.empty());
    expect(await follow(store, 100, 200)).toEqual([0]);
    expect(await profilesOf(store)).toEqual(expected(200));
  });
  it("begins at the start when it is emptied while it lives", async () => {
    const store = createRedisProfileStore(connection, { lossSeconds: 0, clock: stillClock() });
    await apply(store, 0, 100);
    await ask(redis.port, "FLUSHALL");
    expect(await follow(store, 100, 200)).toEqual([0]);
    expect(await profilesOf(store)).toEqual(expected(200));
  });
  it("counts again what its counters lost, each event once, and tells readers of it", async () => {
    const events: CountedEvent[] = log.map(({ offset }) => ({ ...eventOf(offset), offset, segment: 0 }));
    const store = createRedisCounterStore(connection);
    const add = (from: number, next: number): Promise<void> => store.add(partition, events.slice(from, next), { from, next });
    await add(0, 50);
    const kept = await redis.logBytes();
    await add(50, 100);
    const { cursor } = await allCounts(store);
    await killed(() => redis.cutLog(kept));
    await expect(add(100, 200).catch((error: unknown) => isPositionLost(error))).resolves.toBe(true);
    expect(await store.position(partition)).toBe(50);
    await add(50, 200);
    const all = await allCounts(store);
    expect(all.items).toEqual(recount(events));
    expect((await allCounts(store, cursor)).items).toEqual(all.items);
    await killed(() => redis.empty());
    expect((await store.changes(all.cursor)).items).toEqual([]);
    await add(0, 200);
    expect((await allCounts(store, all.cursor)).items).toEqual(recount(events));
  });
  it("numbers changes that come again above all that was told", async () => {
    const store = createRedisChangeStore(connection);
    const append = (from: number, next: number): Promise<void> => {
      const changes = Array.from({ length: next - from }, (_, i) => ({
        offset: from + i,
        itemId: `i${from + i}`,
        value: Uint8Array.of(from + i),
      }));
      return store.append(partition, changes, { from, next });
    };
    await append(0, 5);
    const kept = await redis.logBytes();
    await append(5, 10);
    const told = await store.last();
    await killed(() => redis.cutLog(kept));
    expect(await store.last()).toBeLessThan(told);
    await expect(append(10, 12).catch((error: unknown) => isPositionLost(error))).resolves.toBe(true);
    await append(await store.position(partition), 12);
    expect((await store.since(told, 100)).map(({ itemId }) => itemId)).toEqual(["i5", "i6", "i7", "i8", "i9", "i10", "i11"]);
  });
});

withOwnRedis("a cluster of which one node loses writes", () => {
  let nodes: OwnRedis[];
  let connection: RedisConnection;
  /** The node that serves a hash tag, by the ranges that the cluster is made with. */
  const nodeOf = (tag: string): OwnRedis => nodes[Math.floor((slotOf(tag) * 3) / 16_384)]!;
  beforeEach(async () => {
    const options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
    nodes = await Promise.all([startRedis(options), startRedis(options), startRedis(options)]);
    for (const [i, { port }] of nodes.entries()) {
      const [from, next] = [Math.ceil((i * 16_384) / 3), Math.ceil(((i + 1) * 16_384) / 3)];
      await ask(port, `CLUSTER ADDSLOTSRANGE ${from} ${next - 1}`);
      await ask(port, `CLUSTER SET-CONFIG-EPOCH ${i + 1}`);
      await ask(port, `CLUSTER MEET 127.0.0.1 ${nodes[0]!.port} ${nodes[0]!.busPort}`);
    }
    await isWhole();
    connection = await openRedis({ urls: [nodes[0]!.settings.urls[0]!], cluster: true, timeoutMs: 5000 });
    await reachable(connection, subjects);
  });
  afterEach(async () => {
    await connection?.close();
    for (const node of nodes) await node.remove();
  });
  const isWhole = (): Promise<void> =>
    until(async () => {
      const states = await Promise.all(nodes.map(({ port }) => ask(port, "CLUSTER INFO").catch(() => "")));
      return states.every((state) => state.includes("cluster_state:ok") && state.includes("cluster_known_nodes:3"));
    }, "a whole cluster");
  /** A node that holds profiles, but not the position. */
  const victim = (): OwnRedis =>
    nodes.find((node) => node !== nodeOf(partition) && subjects.some((key) => nodeOf(`p:profile:${key}`) === node))!;
  const killed = async (node: OwnRedis, meanwhile: () => Promise<void>): Promise<void> => {
    await node.kill();
    await meanwhile();
    await node.start();
    await isWhole();
    await reachable(
      connection,
      subjects.map((key) => `p:profile:${key}`),
    );
  };

  it("replays what profiles lost though the position stands on another node, and nothing slips in before", async () => {
    // The clock stands still: the writer believes that it knows the servers, and only the server itself can refuse.
    const store = createRedisProfileStore(connection, { prefix: "p", clock: stillClock() });
    await apply(store, 0, 60);
    const node = victim();
    const kept = await node.logBytes();
    await apply(store, 60, 100);
    const whole = await profilesOf(store);
    await killed(node, () => node.cutLog(kept));
    expect(await profilesOf(store)).not.toEqual(whole);
    expect(await follow(store, 100, 200)).toEqual([0]);
    expect(await profilesOf(store)).toEqual(expected(200));
  });
  it("begins at the start when one node comes back empty", async () => {
    const store = createRedisProfileStore(connection, { prefix: "p", lossSeconds: 0, clock: stillClock() });
    await apply(store, 0, 100);
    const node = victim();
    await killed(node, () => node.empty());
    expect(await follow(store, 100, 200)).toEqual([0]);
    expect(await profilesOf(store)).toEqual(expected(200));
  });
  it("knows it within a second when one node is emptied while it lives", async () => {
    const clock = stillClock();
    const store = createRedisProfileStore(connection, { prefix: "p", lossSeconds: 0, clock });
    await apply(store, 0, 100);
    await ask(victim().port, "FLUSHALL");
    clock.move(1000);
    expect(await follow(store, 100, 200)).toEqual([0]);
    expect(await profilesOf(store)).toEqual(expected(200));
  });
});
