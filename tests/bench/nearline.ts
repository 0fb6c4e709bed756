/** How soon an event shows in an answer while others come and go, and how many events a second are kept. Embedded, and over Kafka and Redis. */

import { setTimeout as delay } from "node:timers/promises";
import { ownPrefix, startRedis } from "#libs/testing/redis-servers.ts";
import { type EventResults, type HttpShop, itemIds } from "../e2e/running-shop.ts";
import { startOwnKafka } from "../nearline/own-kafka.ts";
import { type Bench, type BenchContext, type Figures, higher, lower, quantile, sortedOf } from "./bench.ts";
import { offer, sampleUsers, writePaths } from "./load.ts";
import { type RunningShape, startFleet, startOneProcess } from "./shapes.ts";

interface NearlineShape {
  readonly name: string;
  readonly visibleMs: number;
  readonly start: (home: string) => Promise<RunningShape>;
}

/** A broker and a Redis for this bench alone. */
async function startOverServers(home: string): Promise<RunningShape> {
  const [kafka, redis] = await Promise.all([startOwnKafka(), startRedis(["--appendfsync", "everysec"])]);
  const shape = await startFleet(home, {
    MODISTE_KAFKA_BROKERS: kafka.broker,
    MODISTE_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    MODISTE_REDIS_PREFIX: ownPrefix(),
  });
  return {
    ...shape,
    stop: async () => {
      await shape.stop();
      await kafka.remove();
      await redis.remove();
    },
  };
}

const shapes: readonly NearlineShape[] = [
  { name: "one-process", visibleMs: 5, start: startOneProcess },
  { name: "fleet-kafka-redis", visibleMs: 30, start: startOverServers },
];

const load = { requests: 50, events: 200 } as const;
const warmUpSeconds = 15;
const connections = 64;

const record = (shop: HttpShop, events: readonly object[]): Promise<EventResults> => shop.post<EventResults>("/v1/events", { events });

/** One event a post, due at a steady rate whatever became of those before. Answers how many were refused. */
async function offerEvents(shop: HttpShop, item: string, seconds: number): Promise<number> {
  let refused = 0;
  const started = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let i = 0; i < load.events * seconds; i++) {
    await delay(Math.max(0, started + (i * 1000) / load.events - performance.now()));
    sent.push(record(shop, [{ user_id: `flood-${i % 2000}`, item_id: item, type: "view" }]).catch(() => refused++));
  }
  await Promise.all(sent);
  return refused;
}

interface Freshness {
  /** Milliseconds of each trial: from posting to the acknowledgement, and from there to sending the first request whose answer shows the event. */
  readonly acknowledged: readonly number[];
  readonly visible: readonly number[];
}

/** Strangers buy one thing each, one after the other, for as long as `signal` says. */
async function freshness(shop: HttpShop, item: string, signal: AbortSignal): Promise<Freshness> {
  const [acknowledged, visible]: [number[], number[]] = [[], []];
  for (let trial = 0; !signal.aborted; trial++) {
    const user = `fresh-${process.pid}-${trial}`;
    const postedMs = performance.now();
    await record(shop, [{ user_id: user, item_id: item, type: "purchase" }]);
    const ackedMs = performance.now();
    acknowledged.push(ackedMs - postedMs);
    for (let askedMs = ackedMs; ; askedMs = performance.now()) {
      const { coverage } = await shop.get(`/v1/recommendations?user_id=${user}`);
      if (coverage.events === 0) continue;
      visible.push(askedMs - ackedMs);
      break;
    }
    await delay(50);
  }
  return { acknowledged, visible };
}

/** Events a second from the first post to the last event's effect: what only waits in the log is not kept. */
async function sustained(shop: HttpShop, item: string, seconds: number): Promise<number> {
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1000;
  let accepted = 0;
  const lane = async (number: number): Promise<void> => {
    for (let batch = 0; performance.now() < untilMs; batch++) {
      const user = (i: number): string => `load-${number}-${(batch * 250 + i) % 5000}`;
      const events = Array.from({ length: 250 }, (_, i) => ({ user_id: user(i), item_id: item, type: "view" }));
      accepted += (await record(shop, events)).accepted;
    }
    const last = `last-${process.pid}-${number}`;
    await record(
      shop,
      Array.from({ length: 64 }, (_, i) => ({ user_id: `${last}-${i}`, item_id: item, type: "view" })),
    );
    // One partition may be behind the others: subjects enough to be in all of them.
    for (let i = 0; i < 64; ) {
      const { known } = await shop.get<{ known: boolean }>(`/v1/users/${last}-${i}`);
      if (known) i++;
      else await delay(10);
    }
  };
  await Promise.all([0, 1, 2, 3].map(lane));
  return (accepted / (performance.now() - startedMs)) * 1000;
}

async function measure(shape: NearlineShape, pathsFile: string, { home, data, seconds, say }: BenchContext): Promise<Figures> {
  const prefix = `${data}.${shape.name}`;
  say(`${shape.name}: starting`);
  const { shop, stop } = await shape.start(home);
  try {
    const [item] = itemIds(await shop.get("/v1/popular?n=1"));
    await offer({ url: shop.url, rate: load.requests, seconds: warmUpSeconds, pathsFile, connections });
    const idle = new AbortController();
    setTimeout(() => idle.abort(), seconds * 1000);
    const sparse = await freshness(shop, item!, idle.signal);
    const busy = new AbortController();
    const [requests, refused, flooded] = await Promise.all([
      offer({ url: shop.url, rate: load.requests, seconds, pathsFile, connections }),
      offerEvents(shop, item!, seconds).finally(() => busy.abort()),
      freshness(shop, item!, busy.signal),
    ]);
    const at = (values: readonly number[], share: number): number => quantile(sortedOf([...values]), share);
    return {
      [`${prefix}.sparse.acknowledged.p50`]: lower(at(sparse.acknowledged, 0.5), "ms"),
      [`${prefix}.sparse.visible.p50`]: lower(at(sparse.visible, 0.5), "ms", shape.visibleMs),
      [`${prefix}.sparse.visible.p99`]: lower(at(sparse.visible, 0.99), "ms"),
      [`${prefix}.loaded.acknowledged.p50`]: lower(at(flooded.acknowledged, 0.5), "ms"),
      [`${prefix}.loaded.acknowledged.p99`]: lower(at(flooded.acknowledged, 0.99), "ms"),
      [`${prefix}.loaded.visible.p50`]: lower(at(flooded.visible, 0.5), "ms", shape.visibleMs),
      [`${prefix}.loaded.visible.p99`]: lower(at(flooded.visible, 0.99), "ms"),
      [`${prefix}.loaded.requests.p50`]: lower(requests.p50, "ms"),
      [`${prefix}.loaded.requests.p99`]: lower(requests.p99, "ms"),
      [`${prefix}.loaded.refused`]: lower(refused, "events", 0),
      [`${prefix}.loaded.trials`]: higher(flooded.visible.length, "events"),
      [`${prefix}.events`]: higher(await sustained(shop, item!, Math.min(10, seconds)), "events/s", 2000),
    };
  } finally {
    await stop();
  }
}

export const nearline: Bench = {
  name: "nearline",
  about:
    "from an accepted event to its effect, sparse and at 200 events and 50 requests a second, and events a second; embedded, and over Kafka and Redis",
  run: async (context) => {
    const users = await sampleUsers(context.home, 2000);
    const pathsFile = await writePaths(users.map((user) => `/v1/recommendations?user_id=${encodeURIComponent(user)}`));
    const figures: Figures = {};
    for (const shape of shapes) Object.assign(figures, await measure(shape, pathsFile, context));
    return figures;
  },
};
