/** The shop that is benched: a home folder with a release, started as one process or as a fleet. */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readEnvironment } from "#libs/config/environment.ts";
import { openDataset } from "#libs/data/dataset.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { type SpawnedFleet, spawnFleet } from "#libs/serve/spawn.ts";
import { freePorts } from "#libs/testing/free-port.ts";
import { fleet } from "../../services/fleet.ts";
import type { LoadJob, LoadResult } from "./load-client.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface RunningShop {
  readonly port: number;
  /** Process ids by service; "all" for one process. */
  pids(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Ids of `count` users that have a history, spread over the data set. */
export async function shopUsers(home: string, count: number): Promise<{ data: string; users: string[]; items: string[] }> {
  const store = openFolderStore(join(home, "releases"));
  const manifest = await store.manifest((await store.current())!);
  const dataset = await openDataset(join(home, "data", manifest.data.name));
  try {
    const { ids } = await dataset.loadUsers();
    const stride = Math.max(1, Math.floor(ids.length / count));
    const items = (await dataset.loadCatalog()).ids;
    return { data: manifest.data.name, users: ids.filter((_, user) => user % stride === 0).slice(0, count), items: items.slice(0, 100) };
  } finally {
    dataset.close();
  }
}

async function waitReady(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return;
    await delay(100);
  }
  throw new Error("the shop did not become ready within a minute");
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once("close", () => resolve()));
}

export async function startOneProcess(home: string): Promise<RunningShop> {
  const [port, rpc] = await freePorts(2);
  const env = {
    ...readEnvironment(),
    MODISTE_HOME: home,
    MODISTE_HTTP_PORT: `${port}`,
    MODISTE_RPC_PORT: `${rpc}`,
    MODISTE_LOG_LEVEL: "warn",
  };
  const child = spawn("node", ["--import", "tsx", "services/cli/main.ts", "serve"], {
    cwd: root,
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const over = ended(child);
  await waitReady(port!);
  return {
    port: port!,
    pids: () => new Map([["all", child.pid!]]),
    stop: async () => {
      child.kill("SIGTERM");
      await over;
    },
  };
}

export async function startFleet(home: string): Promise<RunningShop> {
  const [port, ...others] = await freePorts(1 + fleet.length * 2);
  const env: Record<string, string | undefined> = {
    ...readEnvironment(),
    MODISTE_HOME: home,
    MODISTE_HTTP_PORT: `${port}`,
    MODISTE_LOG_LEVEL: "warn",
  };
  const rows = fleet.map((row, i) => {
    const name = row.name.toUpperCase();
    env[`MODISTE_${name}_URL`] = `dns:///127.0.0.1:${others[i]}`;
    env[`MODISTE_${name}_RPC_PORT`] = `${others[i]}`;
    if (row.kind !== "gateway") env[`MODISTE_${name}_ADMIN_PORT`] = `${others[fleet.length + i]}`;
    return { ...row, port: others[i]! };
  });
  const running: SpawnedFleet = spawnFleet(rows, { env, restart: false });
  await running.ready;
  await waitReady(port!);
  return { port: port!, pids: () => running.pids(), stop: () => running.stop() };
}

/** Resident memory of a process, MiB. */
export function residentMiB(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? Number.NaN) / 1024;
}

export async function offerLoad(job: LoadJob): Promise<LoadResult> {
  const child = spawn("node", ["--import", "tsx", "tests/bench/load-client.ts"], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stdin.end(JSON.stringify(job));
  await ended(child);
  return JSON.parse(out) as LoadResult;
}
