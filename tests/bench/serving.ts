/** Serving: latency at a steady rate, where it goes, saturation, memory, and how soon an event shows. One process and the fleet. */

import { spawn } from "node:child_process";
import { freePorts } from "#libs/testing/free-port.ts";
import { type EventResults, type HttpShop, httpShop, itemIds, runFleetOf } from "../e2e/running-shop.ts";
import { type Bench, type BenchContext, type Figures, higher, lower, quantile, root, sortedOf } from "./bench.ts";
import { tie } from "./children.ts";
import { meansBetween, offer, processorMs, residentMiB, sampleUsers, totals, writePaths } from "./load.ts";

interface Shape {
  readonly name: string;
  readonly budgets: { readonly p50: number; readonly p99: number; readonly saturation: number };
  readonly start: (home: string) => Promise<RunningShape>;
}

interface RunningShape {
  readonly shop: HttpShop;
  readonly pids: ReadonlyMap<string, number>;
  readonly stop: () => Promise<void>;
}

/** As `npm start` runs it, in a process of its own, so that the bench's own work does not count. */
async function startOneProcess(home: string): Promise<RunningShape> {
  const [http, rpc] = await freePorts(2);
  const { PATH = "", NODE_OPTIONS = "" } = process.env;
  const env = {
    PATH,
    NODE_OPTIONS,
    MODISTE_HOME: home,
    MODISTE_HTTP_PORT: String(http),
    MODISTE_RPC_PORT: String(rpc),
    MODISTE_LOG_LEVEL: "error",
  };
  const child = spawn(process.execPath, ["--import", "tsx", "services/cli/main.ts", "serve"], {
    cwd: root,
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  tie(child);
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const shop = httpShop(`http://127.0.0.1:${http}`);
  const ready = (): Promise<boolean> =>
    fetch(`${shop.url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await ready())) {
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await gone;
  };
  return { shop, pids: new Map([["all", child.pid!]]), stop };
}

async function startFleet(home: string): Promise<RunningShape> {
  const fleet = await runFleetOf({ home }, { env: { MODISTE_LOG_LEVEL: "error" } });
  return { shop: fleet, pids: fleet.pids(), stop: () => fleet.stop() };
}

const shapes: readonly Shape[] = [
  { name: "one-process", budgets: { p50: 6, p99: 25, saturation: 400 }, start: startOneProcess },
  { name: "fleet", budgets: { p50: 14, p99: 50, saturation: 150 }, start: startFleet },
];

const steadyRate = 50;
const warmUpSeconds = 30;
/** Offered one after the other until the shop falls behind. */
const rates = [75, 100, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 1000];
/** A rate is kept when this share of it is answered, whole, and the slow ones in time. */
const kept = { share: 0.97, p99Ms: 500, degraded: 0.01 } as const;
const connections = 128;

async function steady(
  { shop, pids }: RunningShape,
  pathsFile: string,
  context: BenchContext,
  prefix: string,
  shape: Shape,
): Promise<Figures> {
  const stagesBefore = await totals(shop.url, "modiste_pipeline_stage_seconds", "stage");
  const callsBefore = await totals(shop.url, "modiste_rpc_client_duration_seconds", "service");
  const processorOf = (): Promise<number[]> => Promise.all([...pids.values()].map(processorMs));
  const taken = await processorOf();
  const report = await offer({ url: shop.url, rate: steadyRate, seconds: context.seconds, pathsFile, connections });
  const processor = (await processorOf()).map((now, i) => (now - taken[i]!) / report.sent);
  const stages = meansBetween(stagesBefore, await totals(shop.url, "modiste_pipeline_stage_seconds", "stage"));
  const calls = meansBetween(callsBefore, await totals(shop.url, "modiste_rpc_client_duration_seconds", "service"));
  const figures: Figures = {
    [`${prefix}.50rps.p50`]: lower(report.p50, "ms", shape.budgets.p50),
    [`${prefix}.50rps.p90`]: lower(report.p90, "ms"),
    [`${prefix}.50rps.p99`]: lower(report.p99, "ms", shape.budgets.p99),
    [`${prefix}.50rps.not-full`]: lower((report.degraded / report.sent) * 100, "%"),
    [`${prefix}.50rps.failed`]: lower(report.failed, "requests"),
  };
  const all = processor.reduce((sum, ms) => sum + ms, 0);
  figures[`${prefix}.processor`] = lower(all, "ms/request");
  [...pids.keys()].forEach((service, i) => {
    if (pids.size > 1) figures[`${prefix}.processor.${service}`] = lower(processor[i]!, "ms/request");
  });
  for (const [stage, ms] of stages) figures[`${prefix}.stage.${stage}`] = lower(ms, "ms");
  for (const [service, ms] of calls) figures[`${prefix}.call.${service}`] = lower(ms, "ms");
  return figures;
}

/** The highest rate that is kept; two misses in a row end the search, for one may be the machine's. */
async function saturation(
  { shop }: RunningShape,
  pathsFile: string,
  { seconds, say }: BenchContext,
): Promise<{ rate: number; p99: number }> {
  let best = { rate: 0, p99: Number.NaN };
  for (let i = 0, misses = 0; i < rates.length && misses < 2; i++) {
    const report = await offer({ url: shop.url, rate: rates[i]!, seconds: Math.min(5, seconds), pathsFile, connections });
    const holds =
      report.rate >= rates[i]! * kept.share &&
      report.p99 <= kept.p99Ms &&
      report.failed === 0 &&
      report.degraded <= report.sent * kept.degraded;
    say(
      `  ${rates[i]} rps offered: ${report.rate.toFixed(0)} answered, p50 ${report.p50.toFixed(1)} ms, p99 ${report.p99.toFixed(1)} ms, ${report.degraded} not full, ${report.failed} failed`,
    );
    misses = holds ? 0 : misses + 1;
    if (holds) best = { rate: report.rate, p99: report.p99 };
  }
  return best;
}

const trials = 60;

/** From the acknowledgement of an event to sending the first request that shows it. */
async function visibility({ shop }: RunningShape, item: string): Promise<{ ack: number; visible: number }> {
  const acks: number[] = [];
  const waits: number[] = [];
  for (let i = 0; i < trials; i++) {
    const user = `bench-${process.pid}-${i}`;
    const postedMs = performance.now();
    await shop.post<EventResults>("/v1/events", { events: [{ user_id: user, item_id: item, type: "purchase" }] });
    const ackedMs = performance.now();
    acks.push(ackedMs - postedMs);
    for (let askedMs = ackedMs; ; askedMs = performance.now()) {
      const answer = await shop.get(`/v1/recommendations?user_id=${user}`);
      if (answer.coverage.events === 0) continue;
      waits.push(askedMs - ackedMs);
      break;
    }
  }
  return { ack: quantile(sortedOf(acks), 0.5), visible: quantile(sortedOf(waits), 0.5) };
}

/** Events a second in batches of 500 over four connections. */
async function eventRate({ shop }: RunningShape, item: string, seconds: number): Promise<number> {
  const untilMs = performance.now() + seconds * 1000;
  const startedMs = performance.now();
  let accepted = 0;
  const connection = async (lane: number): Promise<void> => {
    for (let batch = 0; performance.now() < untilMs; batch++) {
      const events = Array.from({ length: 500 }, (_, i) => ({
        user_id: `load-${lane}-${(batch * 500 + i) % 5000}`,
        item_id: item,
        type: "view",
      }));
      accepted += (await shop.post<EventResults>("/v1/events", { events })).accepted;
    }
  };
  await Promise.all([0, 1, 2, 3].map(connection));
  return (accepted / (performance.now() - startedMs)) * 1000;
}

async function measure(shape: Shape, pathsFile: string, context: BenchContext): Promise<Figures> {
  const { say, data, seconds } = context;
  const prefix = `${data}.${shape.name}`;
  say(`${shape.name}: starting`);
  const startedMs = performance.now();
  const running = await shape.start(context.home);
  try {
    const startSeconds = (performance.now() - startedMs) / 1000;
    // A process that has served for a minute is what the budgets are of: the first thousand requests pay for the compiler.
    await offer({ url: running.shop.url, rate: steadyRate, seconds: warmUpSeconds, pathsFile, connections });
    const figures = await steady(running, pathsFile, context, prefix, shape);
    say(`${shape.name}: raising the rate`);
    const { rate } = await saturation(running, pathsFile, context);
    figures[`${prefix}.saturation`] = higher(rate, "rps", shape.budgets.saturation);
    figures[`${prefix}.start`] = lower(startSeconds, "s", shape.name === "one-process" ? 5 : undefined);
    for (const [service, pid] of running.pids)
      figures[`${prefix}.memory.${service}`] = lower(await residentMiB(pid), "MiB", service === "all" ? undefined : 1536);
    const [item] = itemIds(await running.shop.get("/v1/popular?n=1"));
    const { ack, visible } = await visibility(running, item!);
    figures[`${prefix}.event.acknowledged.p50`] = lower(ack, "ms");
    figures[`${prefix}.event.visible.p50`] = lower(visible, "ms", 5);
    figures[`${prefix}.events`] = higher(await eventRate(running, item!, Math.min(5, seconds)), "events/s", 2000);
    return figures;
  } finally {
    await running.stop();
  }
}

export const serving: Bench = {
  name: "serving",
  about: "requests, events and memory of a running shop, in both shapes",
  run: async (context) => {
    const users = await sampleUsers(context.home, 2000);
    const pathsFile = await writePaths(users.map((user) => `/v1/recommendations?user_id=${encodeURIComponent(user)}`));
    const figures: Figures = {};
    for (const shape of shapes) Object.assign(figures, await measure(shape, pathsFile, context));
    return figures;
  },
};
