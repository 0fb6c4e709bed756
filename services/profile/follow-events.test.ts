import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open as lmdb } from "lmdb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BusRecord, type ConsumedRecord, type EventBus, topics } from "#libs/bus/bus.ts";
import { openLmdbBus } from "#libs/bus/lmdb-bus.ts";
import { systemClock } from "#libs/core/clock.ts";
import { encodeEvent } from "#libs/events/codec.ts";
import type { Event } from "#libs/events/event.ts";
import { copiedHeader, eraseRecord, eventRecord, mergeRecord } from "#libs/events/log-entry.ts";
import type { CounterStore } from "#libs/store/counter-store.ts";
import { openLmdbCounterStore } from "#libs/store/lmdb-counter-store.ts";
import { openLmdbProfileStore } from "#libs/store/lmdb-profile-store.ts";
import type { ProfileStore } from "#libs/store/profile-store.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { createMetrics } from "#libs/telemetry/metrics.ts";
import { until } from "#libs/testing/redis-servers.ts";
import { positionOf } from "./apply-batch.ts";
import { type EventFollower, followEvents } from "./follow-events.ts";

let folder: string;
let bus: EventBus;
let store: ProfileStore;
let counters: CounterStore;
let follower: EventFollower;

const open = (): void => {
  bus = openLmdbBus(join(folder, "bus"));
  store = openLmdbProfileStore(join(folder, "profiles"));
  counters = openLmdbCounterStore(join(folder, "counters"));
};
const keyOf = (subject: string): string => subject;
const log = createLogger({ service: "profile", level: "silent" });
const follow = async (into: ProfileStore = store): Promise<void> => {
  follower = await followEvents({ bus, profiles: into, counters, keyOf, log, metrics: createMetrics(), clock: systemClock });
};
const close = async (): Promise<void> => {
  await follower.close();
  await bus.close();
  await store.close();
  await counters.close();
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modiste-follow-"));
  open();
});
afterEach(async () => {
  await close();
  await rm(folder, { recursive: true, force: true });
});

const event = (eventId: string, overrides: Partial<Event> = {}): Event => ({
  eventId,
  subject: "u1",
  itemId: "i1",
  type: "purchase",
  timeSeconds: 1000,
  value: 5,
  quantity: 1,
  surface: "",
  recommendationId: "",
  position: 0,
  ...overrides,
});

const publish = (records: readonly BusRecord[]): Promise<void> => bus.publish(topics.events, records, { untilApplied: true });
const recordOf = (given: Event): BusRecord => ({ key: given.subject, value: encodeEvent(given) });
const garbage: BusRecord = { key: "u1", value: Uint8Array.of(255, 255, 255, 1) };

async function eventIds(subject: string): Promise<string[]> {
  const [profile] = await store.get([subject]);
  return (profile?.events ?? []).map(({ eventId }) => eventId);
}

/** Reads a topic until `count` records came. */
async function read(topic: string, count: number): Promise<ConsumedRecord[]> {
  const records: ConsumedRecord[] = [];
  let enough = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const consumer = await bus.consume(topic, {
    startAt: () => 0,
    onBatch: async (batch) => {
      records.push(...batch.records);
      if (records.length >= count) enough();
    },
  });
  await done;
  await consumer.close();
  return records;
}

/** Copies are published before the position moves, so that what stands at the end has applied them too. */
const settle = (): Promise<void> =>
  until(async () => {
    const [partition] = [...(await bus.ends(topics.events)).keys()];
    const position = await positionOf(partition!, { profiles: store, counters });
    return position === (await bus.ends(topics.events)).get(partition!);
  }, "the end of the log in the stores");

describe("the follower of events", () => {
  it("applies events to their subjects; who publishes in this process finds the effect", async () => {
    await follow();
    await publish([recordOf(event("a")), recordOf(event("b", { subject: "u2" })), recordOf(event("c", { timeSeconds: 900 }))]);
    expect(await eventIds("u1")).toEqual(["c", "a"]);
    expect(await eventIds("u2")).toEqual(["b"]);
  });

  it("puts what is no event on the dead-letter topic, with its place and cause, and goes on", async () => {
    await follow();
    const unknownType: BusRecord = { key: "u1", value: Uint8Array.of(0x20, 99) };
    await publish([recordOf(event("a")), garbage, unknownType, recordOf(event("b", { timeSeconds: 2000 }))]);
    await settle();
    expect(await eventIds("u1")).toEqual(["a", "b"]);
    expect(follower.problem()).toBeNull();
    const letters = (await read(topics.dead, 2)).map(
      ({ value }) => JSON.parse(Buffer.from(value).toString("utf8")) as Record<string, unknown>,
    );
    expect(letters[0]).toMatchObject({
      topic: topics.events,
      offset: 1,
      cause: expect.stringContaining("not an event"),
      value: Buffer.from(garbage.value).toString("base64"),
    });
    expect(letters[1]).toMatchObject({ offset: 2, cause: "unknown event type" });
  });

  it("outlives an event that decodes but cannot be held: no subject, an id without end", async () => {
    await follow();
    const endless = "x".repeat(5000);
    await publish([recordOf(event("a", { subject: "" })), recordOf(event("b", { subject: endless })), recordOf(event("c"))]);
    await settle();
    expect(follower.problem()).toBeNull();
    expect(await eventIds("u1")).toEqual(["c"]);
    expect((await read(topics.dead, 2)).length).toBe(2);
  });

  it("takes no event far ahead of its record, such as one in milliseconds, and counts on", async () => {
    await follow();
    const now = Math.floor(systemClock.nowSeconds());
    const at = (eventId: string, timeSeconds: number): BusRecord => recordOf(event(eventId, { timeSeconds }));
    await publish([at("a", now), at("milliseconds", now * 1000), at("ahead", now + 86_400 + 60), at("b", now + 86_400 - 60)]);
    const letters = await read(topics.dead, 2);
    expect(letters.map(({ value }) => JSON.parse(Buffer.from(value).toString("utf8")) as unknown)).toMatchObject([
      { offset: 1, cause: expect.stringContaining("more than a day ahead") },
      { offset: 2 },
    ]);
    await settle();
    expect(await eventIds("u1")).toEqual(["a", "b"]);
    const [item] = (await counters.changes("")).items;
    const days = item!.buckets.filter(({ spanSeconds }) => spanSeconds === 86_400);
    expect(days.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    expect(item!.lastSaleSeconds).toBe(now + 86_400 - 60);
  });

  it("lets one profile that cannot be read hold nobody up, and puts its bytes aside", async () => {
    await store.close();
    const raw = lmdb({ path: join(folder, "profiles"), encoding: "string", maxDbs: 8 });
    await raw.openDB("by-key", { encoding: "binary" }).put("u1", Buffer.from([255, 255, 255]));
    await raw.close();
    store = openLmdbProfileStore(join(folder, "profiles"));
    await follow();
    await publish([recordOf(event("a")), recordOf(event("b", { subject: "u2" }))]);
    await settle();
    expect(await eventIds("u2")).toEqual(["b"]);
    expect(await eventIds("u1")).toEqual(["a"]);
    expect(follower.problem()).toBeNull();
  });

  it("says why events do not count while the store fails, tries again, and then loses nothing", async () => {
    let failures = 2;
    const applied = new Promise<void>((resolve) => {
      const failing: ProfileStore = {
        ...store,
        apply: async (...words) => {
          if (failures-- > 0) throw new Error("no space left");
          const profiles = await store.apply(...words);
          resolve();
          return profiles;
        },
      };
      void follow(failing).then(() => publish([recordOf(event("a"))]));
    });
    await applied;
    expect(failures).toBe(-1);
    expect(await eventIds("u1")).toEqual(["a"]);
  });

  it("begins after a restart where the store stands: nothing is lost, nothing is done twice", async () => {
    await follow();
    await publish([recordOf(event("a")), garbage]);
    await settle();
    await follower.close();
    await publish([recordOf(event("b", { timeSeconds: 2000 }))]);
    await close();
    open();
    const offsets: number[] = [];
    const spying: ProfileStore = {
      ...store,
      apply: (partition, batches, span) => {
        offsets.push(...batches.flatMap(({ changes }) => changes.map(({ offset }) => offset)));
        return store.apply(partition, batches, span);
      },
    };
    await follow(spying);
    await publish([recordOf(event("c", { timeSeconds: 3000 }))]);
    await settle();
    expect(await eventIds("u1")).toEqual(["a", "b", "c"]);
    expect(offsets).toEqual([2, 3]);
  });

  describe("a login", () => {
    const session = "session:s";
    const inSession = (eventId: string): BusRecord => recordOf(event(eventId, { subject: session }));
    const login = (user = "u1"): BusRecord => mergeRecord({ session, user, timeSeconds: 1000 });
    const erase = (): Promise<void> =>
      bus.publishToAll(topics.events, (partitions) =>
        eraseRecord({ eraseId: "x", subjectKey: keyOf("u1"), partitions: [...partitions], timeSeconds: 1000 }),
      );
    it("before an erasure brings nobody back, however late it is applied", async () => {
      await publish([inSession("a")]);
      await publish([login()]);
      await erase();
      await follow();
      await settle();
      const copies = (await read(topics.events, 4)).filter(({ headers }) => copiedHeader in headers);
      expect(copies.map(({ headers }) => headers[copiedHeader])).toEqual([expect.stringMatching(/\/0@1$/)]);
      expect(await eventIds("u1")).toEqual([]);
      expect(await eventIds(session)).toEqual(["a"]);
    });
    it("behind an erasure counts", async () => {
      await publish([inSession("a")]);
      await erase();
      await publish([login()]);
      await follow();
      await settle();
      expect(await eventIds("u1")).toEqual(["a"]);
    });
    it("is copied once a batch, and many of them in publications that the bus takes", async () => {
      const users = Array.from({ length: 30 }, (_, i) => `user ${i}`);
      await publish(Array.from({ length: 100 }, (_, i) => inSession(`e${i}`)));
      await publish(users.flatMap((user) => [login(user), login(user)]));
      const sizes: number[] = [];
      const publishing: EventBus = {
        ...bus,
        publish: (topic, records, options) => {
          sizes.push(records.length);
          return bus.publish(topic, records, options);
        },
      };
      follower = await followEvents({
        bus: publishing,
        profiles: store,
        counters,
        keyOf,
        log,
        metrics: createMetrics(),
        clock: systemClock,
      });
      await settle();
      expect(sizes).toEqual([1000, 1000, 1000]);
      for (const user of users) expect(await eventIds(user)).toHaveLength(100);
    });
    it("is told by its place: a copy that says another word goes to the dead letters", async () => {
      await follow();
      const words = ["1", "e/0", "@5", "e/0@", "e/0@-1", "e/0@1 "];
      await publish(words.map((word, i) => eventRecord(event(`e${i}`), { [copiedHeader]: word })));
      expect(await eventIds("u1")).toEqual([]);
      const [letter] = await read(topics.dead, words.length);
      expect(Buffer.from(letter!.value).toString()).toContain("header modiste-copied is not of the form");
    });
  });

  it("changes nothing when everything is replayed", async () => {
    await follow();
    const events = Array.from({ length: 30 }, (_, i) => recordOf(event(`e${i}`, { timeSeconds: 1000 + i, subject: `u${i % 3}` })));
    await publish(events);
    await settle();
    await follower.close();
    const before = await store.get(["u0", "u1", "u2"]);
    await follow({ ...store, position: async () => 0 });
    await publish([recordOf(event("last", { subject: "other" }))]);
    await settle();
    expect(await eventIds("other")).toEqual(["last"]);
    expect(await store.get(["u0", "u1", "u2"])).toEqual(before);
  });

  it("says that events are not applied any more when the store fails", async () => {
    await follow({ ...store, apply: () => Promise.reject(new Error("disk full")) });
    await publish([recordOf(event("a"))]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(follower.problem()).toContain("events are not applied");
  });
});
