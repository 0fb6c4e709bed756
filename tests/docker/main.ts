/**
 * `npm run test:docker`: the fleet of compose.yaml in a real engine, under load, while every container in turn is killed, paused and cut off the network.
 * No recommendation may fail and no acknowledged event may be lost. Not in CI: it takes a quarter of an hour of two cores, which the tests there fill.
 * RATE and SECONDS in the environment: requests a second (100), length of one fault (6). `-- redis kafka` does those containers alone; KEEP=1 leaves the fleet
 * for the next run.
 */

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { lostEvents, type SteadyLoad, type SteadyLoadReport, startSteadyLoad } from "../support/steady-load.ts";
import { ask } from "./ask.ts";
import { addressOf, containers, docker, downFleet, type Fault, faults, memoryOf, root, rpcKey, upFleet } from "./engine.ts";
import { buildStandIns } from "./stand-ins.ts";

const rate = Number(process.env.RATE ?? 100);
const faultSeconds = Number(process.env.SECONDS ?? 6);
const only = process.argv.slice(2);
/** A balancer gives a gateway this long before it asks another, milliseconds. */
const balancerMs = 1000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function until(what: string, limitMs: number, isTrue: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await isTrue().catch(() => false))) {
    if (performance.now() > end) throw new Error(`${what}: not after ${limitMs / 1000} s`);
    await delay(500);
  }
}

const isWhole = async (gateway: string): Promise<boolean> => {
  const { status, body } = await ask(`${gateway}/v1/recommendations?n=12&user_id=anybody`, 2000);
  return status === 200 && (body as { grade?: string }).grade === "FULL";
};

interface Row {
  readonly container: string;
  readonly fault: string;
  readonly requests: number;
  readonly failed: number;
  readonly secondAsked: number;
  readonly fullShare: number;
  readonly grades: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly eventsAcknowledged: number;
  readonly eventsRefused: number;
  /** From the end of the fault to a FULL answer of every gateway. */
  readonly recoverySeconds: number;
}

function rowOf(container: string, fault: string, report: SteadyLoadReport, recoverySeconds: number): Row {
  const { asked, failed, secondAsked, grades, p50, p99, events, refused } = report;
  return {
    container,
    fault,
    requests: asked,
    failed: failed.length,
    secondAsked,
    fullShare: (grades.FULL ?? 0) / Math.max(1, asked),
    grades,
    failures: failed.slice(0, 10).map(({ what }) => what),
    p50Ms: Math.round(p50),
    p99Ms: Math.round(p99),
    eventsAcknowledged: events - refused.length,
    eventsRefused: refused.length,
    recoverySeconds,
  };
}

/** A container that was started or connected again may have another of the published ports. */
async function findGateways(gateways: string[]): Promise<void> {
  const ids = [...(await containers())].filter(([name]) => name.startsWith("gateway")).map(([, id]) => id);
  gateways.splice(0, gateways.length, ...(await Promise.all(ids.map((id) => addressOf(id, 8080)))));
}

interface Target {
  readonly gateways: string[];
  readonly start: () => SteadyLoad;
}

interface Struck {
  readonly row: Row;
  /** Acknowledged events that no profile holds. */
  readonly lost: number;
}

async function strike(fault: Fault, name: string, id: string, { gateways, start }: Target): Promise<Struck> {
  const load = start();
  await fault.begin(id);
  await delay(faultSeconds * 1000);
  await fault.end(id);
  const since = performance.now();
  if (name.startsWith("gateway")) await until(`addresses after ${name}`, 30_000, () => findGateways(gateways).then(() => true));
  for (const gateway of gateways) await until(`${name} after ${fault.name}`, 120_000, () => isWhole(gateway));
  const recoverySeconds = Math.round((performance.now() - since) / 100) / 10;
  const report = await load.stop();
  const row = rowOf(name, fault.name, report, recoverySeconds);
  say(
    [
      name.padEnd(12),
      fault.name.padEnd(11),
      `${row.requests} requests, ${row.failed} failed, ${row.secondAsked} by the other gateway, ${Math.round(row.fullShare * 100)} % FULL,`,
      `p99 ${row.p99Ms} ms, events ${row.eventsAcknowledged} acknowledged, ${row.eventsRefused} refused, whole after ${row.recoverySeconds} s`,
    ].join(" "),
  );
  for (const failure of row.failures) say(`             ${failure}`);
  return { row, lost: (await lostEvents({ gateways, key: rpcKey }, report.accepted)).length };
}

async function main(): Promise<number> {
  await buildStandIns();
  say("the fleet starts; a small shop is trained");
  const started = performance.now();
  await upFleet();
  const running = await containers();
  const gateways: string[] = [];
  await findGateways(gateways);
  for (const gateway of gateways) await until("the fleet", 600_000, () => isWhole(gateway));
  say(`whole after ${Math.round((performance.now() - started) / 1000)} s`);
  const page = (await ask(`${gateways[0]}/page/start`, 10_000)).body as { users: readonly { user_id: string }[] };
  const userIds = page.users.map(({ user_id }) => user_id);
  const popular = (await ask(`${gateways[0]}/v1/popular?n=100`, 10_000)).body as { items: readonly { item_id: string }[] };
  const itemIds = popular.items.map(({ item_id }) => item_id);
  const start = (): SteadyLoad => startSteadyLoad({ gateways, key: rpcKey, userIds, itemIds, rate, eventRate: 10, attemptMs: balancerMs });
  const warming = start();
  await delay(10_000);
  await warming.stop();
  const undisturbed = start();
  await delay(faultSeconds * 1000);
  const rows = [rowOf("none", "none", await undisturbed.stop(), 0)];
  say(JSON.stringify(rows[0]));
  const memory = await memoryOf([...running.values()]);
  let lost = 0;
  const memoryByName = Object.fromEntries([...running].map(([name, id]) => [name, memory.get(id) ?? ""]));
  for (const [name, id] of running) {
    if (name === "prepare" || (only.length > 0 && !only.includes(name))) continue;
    for (const fault of faults) {
      const struck = await strike(fault, name, id, { gateways, start });
      rows.push(struck.row);
      lost += struck.lost;
    }
  }
  const failed = rows.reduce((sum, row) => sum + row.failed, 0);
  const acknowledged = rows.reduce((sum, { eventsAcknowledged }) => sum + eventsAcknowledged, 0);
  say(`${failed} failed recommendations; ${lost} of ${acknowledged} acknowledged events lost`);
  const result = {
    bench: "docker-faults",
    commit: process.env.COMMIT ?? "",
    machine: `${cpus().length} cores, ${cpus()[0]?.model}`,
    date: new Date().toISOString().slice(0, 10),
    engine: await docker("version", "--format", "{{.Server.Version}}"),
    requestsPerSecond: rate,
    faultSeconds,
    lostEvents: lost,
    acknowledgedEvents: acknowledged,
    memory: memoryByName,
    rows,
  };
  if (only.length === 0) writeFileSync(join(root, "tests/docker/results.json"), `${JSON.stringify(result, null, 2)}\n`);
  return failed === 0 && lost === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} finally {
  if (process.env.KEEP === undefined) await downFleet();
}
