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
import { quantile, sortedOf } from "../bench/bench.ts";
import { ask } from "./ask.ts";
import { addressOf, containers, docker, downFleet, type Fault, faults, memoryOf, root, upFleet } from "./engine.ts";
import { Load, type Tally } from "./load.ts";
import { buildStandIns } from "./stand-ins.ts";

const rate = Number(process.env.RATE ?? 100);
const faultSeconds = Number(process.env.SECONDS ?? 6);
const only = process.argv.slice(2);

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
  readonly failures: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly eventsAcknowledged: number;
  readonly eventsRefused: number;
  /** From the end of the fault to a FULL answer of every gateway. */
  readonly recoverySeconds: number;
}

function rowOf(container: string, fault: string, tally: Tally, recoverySeconds: number): Row {
  const sorted = sortedOf(tally.latenciesMs);
  return {
    container,
    fault,
    requests: tally.requests,
    failed: tally.failed,
    secondAsked: tally.secondAsked,
    fullShare: (tally.grades.FULL ?? 0) / Math.max(1, tally.requests),
    grades: tally.grades,
    failures: tally.failures,
    p50Ms: Math.round(quantile(sorted, 0.5)),
    p99Ms: Math.round(quantile(sorted, 0.99)),
    eventsAcknowledged: tally.eventsAcknowledged,
    eventsRefused: tally.eventsRefused,
    recoverySeconds,
  };
}

/** A container that was started or connected again may have another of the published ports. */
async function findGateways(gateways: string[]): Promise<void> {
  const ids = [...(await containers())].filter(([name]) => name.startsWith("gateway")).map(([, id]) => id);
  gateways.splice(0, gateways.length, ...(await Promise.all(ids.map((id) => addressOf(id, 8080)))));
}

async function strike(fault: Fault, name: string, id: string, load: Load, gateways: string[]): Promise<Row> {
  load.take();
  await fault.begin(id);
  await delay(faultSeconds * 1000);
  await fault.end(id);
  const since = performance.now();
  if (name.startsWith("gateway")) await until(`addresses after ${name}`, 30_000, () => findGateways(gateways).then(() => true));
  for (const gateway of gateways) await until(`${name} after ${fault.name}`, 120_000, () => isWhole(gateway));
  const row = rowOf(name, fault.name, load.take(), Math.round((performance.now() - since) / 100) / 10);
  say(
    [
      name.padEnd(12),
      fault.name.padEnd(11),
      `${row.requests} requests, ${row.failed} failed, ${row.secondAsked} by the other gateway, ${Math.round(row.fullShare * 100)} % FULL,`,
      `p99 ${row.p99Ms} ms, events ${row.eventsAcknowledged} acknowledged, ${row.eventsRefused} refused, whole after ${row.recoverySeconds} s`,
    ].join(" "),
  );
  if (row.failed > 0) say(`             ${JSON.stringify(row.failures)}`);
  return row;
}

/** Acknowledged events that no profile holds, once the consumer has had time to catch up. */
async function lostEvents(load: Load, gateway: string): Promise<number> {
  let lost = 0;
  for (const [subject, ids] of load.acknowledged) {
    const missing = async (): Promise<number> => {
      const { body } = await ask(`${gateway}/v1/users/${subject}`, 5000);
      const { events = [] } = body as { events?: { event_id?: string }[] };
      const held = new Set(events.map(({ event_id }) => event_id));
      return [...ids].filter((id) => !held.has(id)).length;
    };
    await until(subject, 30_000, async () => (await missing()) === 0).catch(() => undefined);
    lost += await missing();
  }
  return lost;
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
  const users = page.users.map(({ user_id }) => user_id);
  const load = new Load({ gateways, users, requestsPerSecond: rate, eventsPerSecond: 10 });
  await delay(10_000);
  load.take();
  await delay(faultSeconds * 1000);
  const rows = [rowOf("none", "none", load.take(), 0)];
  say(JSON.stringify(rows[0]));
  const memory = await memoryOf([...running.values()]);
  const memoryByName = Object.fromEntries([...running].map(([name, id]) => [name, memory.get(id) ?? ""]));
  for (const [name, id] of running) {
    if (name === "prepare" || (only.length > 0 && !only.includes(name))) continue;
    for (const fault of faults) rows.push(await strike(fault, name, id, load, gateways));
  }
  await load.stop();
  const lost = await lostEvents(load, gateways[0]!);
  const failed = rows.reduce((sum, row) => sum + row.failed, 0);
  const acknowledged = [...load.acknowledged.values()].reduce((sum, ids) => sum + ids.size, 0);
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
