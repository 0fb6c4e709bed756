/** Profile services as processes over a Kafka and a Redis that a test may break, a flood of events, and what the stores must hold in the end. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type BusRecord, type ConsumedBatch, type ConsumedRecord, type EventBus, readPublished, topics } from "#libs/bus/bus.ts";
import { openKafkaBus } from "#libs/bus/kafka-bus.ts";
import { systemClock } from "#libs/core/clock.ts";
import { createRandom, type Random } from "#libs/core/random.ts";
import { type Event, eventTypes } from "#libs/events/event.ts";
import { eventRecord, mergeRecord } from "#libs/events/log-entry.ts";
import type { ItemCounts } from "#libs/store/counter-store.ts";
import { openLmdbCounterStore } from "#libs/store/lmdb-counter-store.ts";
import { openLmdbProfileStore } from "#libs/store/lmdb-profile-store.ts";
import { encodeProfile } from "#libs/store/profile-codec.ts";
import { openRedisStores } from "#libs/store/redis-stores.ts";
import { subjectKey } from "#libs/store/subject-key.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { freePorts } from "#libs/testing/free-port.ts";
import { type OwnRedis, ownPrefix, startRedis, until } from "#libs/testing/redis-servers.ts";
import { eraseUser } from "../../services/gateway/intake/subjects.ts";
import { applyBatch } from "../../services/profile/apply-batch.ts";
import { type OwnKafka, startOwnKafka } from "./own-kafka.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const hashKey = "modiste";
const partitions = 4;
/** Events lie around this instant. */
const instant = 1_600_000_000;

/** All that stores hold: profiles as bytes by key, counts by item. */
export interface Contents {
  readonly profiles: ReadonlyMap<string, string>;
  readonly counts: readonly ItemCounts[];
}

type OpenedStores = Pick<Awaited<ReturnType<typeof openRedisStores>>, "profiles" | "counters">;

async function contentsOf({ profiles, counters }: OpenedStores): Promise<Contents> {
  const held = new Map<string, string>();
  for await (const [key, profile] of profiles.all()) held.set(key, Buffer.from(encodeProfile(profile)).toString("base64"));
  const counts = new Map<string, ItemCounts>();
  for (let cursor = ""; ; ) {
    const changed = await counters.changes(cursor);
    for (const item of changed.items) counts.set(item.itemId, item);
    if (changed.items.length === 0) break;
    cursor = changed.cursor;
  }
  return {
    profiles: new Map([...held].sort(([a], [b]) => (a < b ? -1 : 1))),
    counts: [...counts.values()].sort((a, b) => (a.itemId < b.itemId ? -1 : 1)),
  };
}

/** One profile service as a process. */
export interface Member {
  kill(): Promise<void>;
  /** SIGTERM; resolves when it has gone. */
  stop(): Promise<void>;
}

export interface ProfileFleet {
  readonly bus: EventBus;
  readonly kafka: OwnKafka;
  readonly redis: OwnRedis;
  startMember(): Promise<Member>;
  /** Publishes that many events a second; answers how many were acknowledged. What is refused while the broker is away is published again. */
  flood(seconds: number, perSecond: number): Promise<number>;
  publish(records: readonly BusRecord[]): Promise<void>;
  /** As the gateway does it. */
  erase(subject: string): Promise<{ readonly key: string; readonly id: string }>;
  addPartitions(count: number): Promise<void>;
  /** Resolves when the stores stand at the end of every partition. */
  untilCaughtUp(): Promise<void>;
  /** What the members have written. */
  held(): Promise<Contents>;
  /** A recount of the log by the same code, in the order of publication and by one reader that nothing disturbs. Logins copy nothing: the copies are in the log. */
  recount(): Promise<Contents>;
  /** Log lines of the members so far. */
  readonly lines: readonly string[];
  remove(): Promise<void>;
}

/** Latest events that a producer may send again. */
const againMax = 50;

/**
 * Made-up records: subjects of whom some are busy, a quarter sessions; times in no order; events that come again; logins (of users with even numbers
 * only); and now and then bytes that are no event.
 */
function createRecords(random: Random): () => BusRecord {
  const latest: BusRecord[] = [];
  let number = 0;
  const eventOf = (subject: string): BusRecord => {
    const timeSeconds = instant + random.below(40 * 86_400);
    const event: Event = {
      eventId: `e${number++}`,
      subject,
      itemId: `item-${random.below(120)}`,
      type: eventTypes[1 + random.below(6)] as Event["type"],
      timeSeconds,
      // By the time, so that two sales of one second have one price.
      value: (timeSeconds % 977) / 8,
      quantity: 1,
      surface: "",
      recommendationId: "",
      position: 0,
    };
    const made = eventRecord(event);
    latest.push(made);
    if (latest.length > againMax) latest.shift();
    return made;
  };
  return () => {
    const user = `user-${random.below(random.below(3) === 0 ? 20 : 300)}`;
    const session = `session:${random.below(80)}`;
    if (random.below(200) === 0) return { key: user, value: Uint8Array.of(255, 255, 255, number % 256) };
    if (random.below(200) === 0) return mergeRecord({ session, user: `user-${2 * random.below(150)}`, timeSeconds: instant });
    if (random.below(20) === 0 && latest.length > 0) return latest[random.below(latest.length)]!;
    return eventOf(random.below(4) === 0 ? session : user);
  };
}

/** Batches of the partitions, each in its order, by the time of publication of their first records. */
function* byPublication(log: ReadonlyMap<string, readonly ConsumedRecord[]>): Generator<Pick<ConsumedBatch, "partition" | "records">> {
  const left = [...log].map(([partition, records]) => ({ partition, records, at: 0 }));
  const headOf = ({ records, at }: (typeof left)[number]): number => records[at]?.publishedSeconds ?? Number.POSITIVE_INFINITY;
  for (;;) {
    const [first, second] = left.toSorted((a, b) => headOf(a) - headOf(b));
    if (first === undefined || headOf(first) === Number.POSITIVE_INFINITY) return;
    const from = first.at;
    do first.at++;
    while (headOf(first) <= (second ? headOf(second) : Number.POSITIVE_INFINITY) && first.at < first.records.length);
    yield { partition: first.partition, records: first.records.slice(from, first.at) };
  }
}

export async function openProfileFleet(seed: number): Promise<ProfileFleet> {
  const [kafka, redis] = await Promise.all([startOwnKafka(), startRedis()]);
  const home = await mkdtemp(join(tmpdir(), "modiste-fleet-"));
  const prefix = ownPrefix();
  const bus = await openKafkaBus({ brokers: [kafka.broker], partitions });
  const stores = await openRedisStores({ ...redis.settings, timeoutMs: 2000 }, { prefix, lossSeconds: 60, onBroken: () => undefined });
  const nextRecord = createRecords(createRandom(seed));
  const lines: string[] = [];
  const members = new Set<ChildProcess>();

  const startMember = async (): Promise<Member> => {
    const [rpcPort, adminPort] = await freePorts(2);
    const env = {
      PATH: process.env.PATH ?? "",
      MODISTE_HOME: home,
      MODISTE_LOG_LEVEL: "warn",
      MODISTE_PROFILE_RPC_PORT: `${rpcPort}`,
      MODISTE_PROFILE_ADMIN_PORT: `${adminPort}`,
      MODISTE_KAFKA_BROKERS: kafka.broker,
      MODISTE_KAFKA_PARTITIONS: `${partitions}`,
      MODISTE_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      MODISTE_REDIS_PREFIX: prefix,
      MODISTE_REDIS_TIMEOUT_MS: "2000",
      MODISTE_SUBJECT_HASH_KEY: hashKey,
    };
    const child = spawn(process.execPath, ["--import", "tsx", "services/profile/main.ts"], {
      cwd: root,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => void lines.push(chunk.toString()));
    members.add(child);
    const gone = once(child, "exit").then(() => void members.delete(child));
    const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
      child.kill(signal);
      await gone;
    };
    const healthy = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${adminPort}/healthz`).catch(() => null))?.ok === true;
    await Promise.race([until(healthy, "a profile service"), gone]);
    return { kill: () => end("SIGKILL"), stop: () => end("SIGTERM") };
  };

  const publish = async (records: readonly BusRecord[]): Promise<void> => {
    // A producer that is told no, or nothing, sends again: the ids make that harmless. Records without an id that can be read are poison.
    for (;;) {
      try {
        return await bus.publish(topics.events, records);
      } catch {
        await delay(100);
      }
    }
  };

  return {
    bus,
    kafka,
    redis,
    lines,
    startMember,
    publish,
    flood: async (seconds, perSecond) => {
      const slice = Math.ceil(perSecond / 20);
      const started = performance.now();
      const sent: Promise<void>[] = [];
      for (let turn = 0; turn < seconds * 20; turn++) {
        sent.push(publish(Array.from({ length: slice }, nextRecord)));
        await delay(Math.max(0, started + (turn + 1) * 50 - performance.now()));
      }
      await Promise.all(sent);
      return sent.length * slice;
    },
    erase: async (subject) => {
      const { eraseId } = await eraseUser({ subject }, { nowSeconds: instant, wallSeconds: systemClock.nowSeconds() }, bus, (name) =>
        subjectKey(name, hashKey),
      );
      return { key: subjectKey(subject, hashKey), id: eraseId };
    },
    addPartitions: async (count) => {
      const { Kafka, logLevel } = await import("kafkajs");
      const admin = new Kafka({ brokers: [kafka.broker], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.createPartitions({ topicPartitions: [{ topic: topics.events, count }] });
      await admin.disconnect();
    },
    untilCaughtUp: () =>
      until(async () => {
        const ends = await bus.ends(topics.events).catch(() => null);
        if (ends === null || ends.size === 0) return false;
        for (const [partition, end] of ends) {
          const positions = await Promise.all([stores.profiles.position(partition), stores.counters.position(partition)]).catch(() => [0]);
          if (Math.min(...positions) < end) return false;
        }
        return true;
      }, "the end of the log in the stores"),
    held: () => contentsOf(stores),
    recount: async () => {
      const folder = await mkdtemp(join(tmpdir(), "modiste-recount-"));
      const own = { profiles: openLmdbProfileStore(join(folder, "profiles")), counters: openLmdbCounterStore(join(folder, "counters")) };
      const parts = {
        ...own,
        bus: { publish: async () => undefined },
        keyOf: (subject: string) => subjectKey(subject, hashKey),
        log: createLogger({ service: "recount", level: "silent" }),
      };
      const log = new Map<string, ConsumedRecord[]>();
      await readPublished(bus, topics.events, async ({ partition, records }) => {
        log.set(partition, [...(log.get(partition) ?? []), ...records]);
      });
      const reached = new Map<string, number>();
      for (const { partition, records } of byPublication(log)) {
        const next = records.at(-1)!.offset + 1;
        await applyBatch({ partition, records, end: next }, { from: reached.get(partition) ?? 0, next }, parts);
        reached.set(partition, next);
      }
      const contents = await contentsOf(own);
      await own.profiles.close();
      await own.counters.close();
      await rm(folder, { recursive: true, force: true });
      return contents;
    },
    remove: async () => {
      for (const child of members) child.kill("SIGKILL");
      await bus.close().catch(() => undefined);
      await stores.close().catch(() => undefined);
      await kafka.remove();
      await redis.remove();
      await rm(home, { recursive: true, force: true });
    },
  };
}
