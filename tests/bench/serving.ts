/** Serving: latency at a steady rate, where it goes, saturation and memory. One process and the fleet. */

import { type Bench, type BenchContext, type Figures, higher, lower } from "./bench.ts";
import { meansBetween, offer, processorMs, residentMiB, sampleUsers, totals, writePaths } from "./load.ts";
import { type RunningShape, startFleet, startOneProcess } from "./shapes.ts";

interface Shape {
  readonly name: string;
  readonly budgets: { readonly p50: number; readonly p99: number; readonly saturation: number };
  readonly start: (home: string) => Promise<RunningShape>;
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

async function measure(shape: Shape, pathsFile: string, context: BenchContext): Promise<Figures> {
  const { say, data } = context;
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
    return figures;
  } finally {
    await running.stop();
  }
}

export const serving: Bench = {
  name: "serving",
  about: "requests and memory of a running shop, in both shapes",
  run: async (context) => {
    const users = await sampleUsers(context.home, 2000);
    const pathsFile = await writePaths(users.map((user) => `/v1/recommendations?user_id=${encodeURIComponent(user)}`));
    const figures: Figures = {};
    for (const shape of shapes) Object.assign(figures, await measure(shape, pathsFile, context));
    return figures;
  },
};
