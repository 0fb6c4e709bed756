/** Recommend under load, in both shapes: latency at 50 requests a second, saturation, stages, memory, events. */

import { randomUUID } from "node:crypto";
import { systemClock } from "#libs/core/clock.ts";
import { type Figure, median, quantile } from "./report.ts";
import { offerLoad, type RunningShop, residentMiB, shopUsers, startFleet, startOneProcess } from "./shop.ts";

interface Budgets {
  readonly p50: number;
  readonly p99: number;
  readonly saturation: number;
}

const budgets: Readonly<Record<string, Budgets>> = {
  "one-process": { p50: 6, p99: 25, saturation: 400 },
  fleet: { p50: 14, p99: 50, saturation: 150 },
};

/** Offered rates of the search for saturation, requests a second. */
const rates = [50, 100, 150, 200, 300, 400, 500, 600];

/** The highest rate of answers that a shop gave to any offered rate of which it answered at least nine tenths in time. */
async function saturation(port: number, users: readonly string[]): Promise<number> {
  let best = 0;
  for (const rate of rates) {
    const result = await offerLoad({ port, users, rate, seconds: 6 });
    best = Math.max(best, result.rate);
    if (result.rate < rate * 0.9 || result.failed > 0) break;
  }
  return best;
}

async function post(port: number, events: readonly object[]): Promise<void> {
  const body = JSON.stringify({ events });
  const answer = await fetch(`http://127.0.0.1:${port}/v1/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const { accepted } = (await answer.json()) as { accepted: number };
  if (accepted !== events.length) throw new Error(`${accepted} of ${events.length} events were accepted`);
}

/** Milliseconds from sending an event to the first recommendation that counts it. */
async function visibleMs(port: number, item: string): Promise<number> {
  const user = `bench-${randomUUID()}`;
  const started = systemClock.monotonicMs();
  await post(port, [{ user_id: user, item_id: item, type: "purchase" }]);
  for (let tries = 0; tries < 1000; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/recommendations?user_id=${user}`);
    const { coverage } = (await answer.json()) as { coverage: { events: number } };
    if (coverage.events === 1) return systemClock.monotonicMs() - started;
  }
  throw new Error("an accepted event never counted");
}

/** Accepted events a second, in batches of 100 from four senders. */
async function eventRate(port: number, items: readonly string[], seconds: number): Promise<number> {
  const started = systemClock.monotonicMs();
  let sent = 0;
  const sender = async (): Promise<void> => {
    while (systemClock.monotonicMs() - started < seconds * 1000) {
      const batch = Array.from({ length: 100 }, (_, i) => ({
        user_id: `bench-${sent + i}`,
        item_id: items[i % items.length],
        type: "view",
      }));
      await post(port, batch);
      sent += batch.length;
    }
  };
  await Promise.all([sender(), sender(), sender(), sender()]);
  return (sent / (systemClock.monotonicMs() - started)) * 1000;
}

async function benchShape(shape: string, home: string, start: (home: string) => Promise<RunningShop>): Promise<Figure[]> {
  const { data, users, items } = await shopUsers(home, 500);
  const shop = await start(home);
  const { p50, p99, saturation: least } = budgets[shape]!;
  const name = (measure: string): string => `${data}.${shape}.${measure}`;
  try {
    await offerLoad({ port: shop.port, users, rate: 50, seconds: 10 });
    const steady = await offerLoad({ port: shop.port, users, rate: 50, seconds: 20 });
    const visible: number[] = [];
    for (let i = 0; i < 25; i++) visible.push(await visibleMs(shop.port, items[i]!));
    const figures: Figure[] = [
      { name: name("p50"), value: quantile(steady.latencies, 0.5), unit: "ms", better: "lower", budget: p50 },
      { name: name("p99"), value: quantile(steady.latencies, 0.99), unit: "ms", better: "lower", budget: p99 },
      { name: name("failed"), value: steady.failed, unit: "requests", better: "lower", budget: 0 },
      ...Object.entries(steady.stages).map(([stage, value]) => ({
        name: name(`stage.${stage}.p50`),
        value,
        unit: "ms",
        better: "lower" as const,
      })),
      { name: name("event-visible.p50"), value: median(visible), unit: "ms, with the two HTTP calls", better: "lower", budget: 5 },
      { name: name("events"), value: await eventRate(shop.port, items, 5), unit: "events/s", better: "higher", budget: 2000 },
      { name: name("saturation"), value: await saturation(shop.port, users), unit: "requests/s", better: "higher", budget: least },
    ];
    for (const [service, pid] of shop.pids()) {
      figures.push({
        name: name(`memory.${service}`),
        value: residentMiB(pid),
        unit: "MiB",
        better: "lower",
        ...(service === "all" ? {} : { budget: 1536 }),
      });
    }
    return figures;
  } finally {
    await shop.stop();
  }
}

export async function benchServing(home: string): Promise<Figure[]> {
  return [...(await benchShape("one-process", home, startOneProcess)), ...(await benchShape("fleet", home, startFleet))];
}
