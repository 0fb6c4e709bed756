/** Redis servers of tests: those that the environment names, and processes of their own for tests that kill them. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe } from "vitest";
import { readEnvironment } from "#libs/config/environment.ts";
import type { RedisSettings } from "#libs/store/redis-connection.ts";
import { freePorts } from "./free-port.ts";
import { missingServer } from "./missing-server.ts";

/** Milliseconds until a server must answer: other work shares the machine. */
const startMsMax = 60_000;

interface NamedServers {
  readonly adapter: string;
  readonly variable: string;
  readonly isCluster: boolean;
}

const named: readonly NamedServers[] = [
  { adapter: "redis", variable: "MODISTE_TEST_REDIS", isCluster: false },
  { adapter: "redis cluster", variable: "MODISTE_TEST_REDIS_CLUSTER", isCluster: true },
];

/** Runs a suite over each server that the environment names ("host:port"). One that is not named is skipped, and fails where CI=true. */
export function overRedis(suite: (adapter: string, settings: RedisSettings) => void): void {
  const environment = readEnvironment();
  for (const { adapter, variable, isCluster } of named) {
    const address = environment[variable];
    if (address !== undefined) {
      suite(adapter, { urls: [`redis://${address}`], cluster: isCluster, timeoutMs: 10_000 });
      continue;
    }
    missingServer(`over ${adapter}`, `${variable} names no server ("host:port")`);
  }
}

/** A suite that starts redis-server itself; skipped where it is not installed, and fails there where CI=true. */
export function withOwnRedis(suite: string, tests: () => void): void {
  const isThere = spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0;
  if (isThere) describe(suite, tests);
  else missingServer(suite, "redis-server is not installed");
}

/** Keys of one test. */
export const ownPrefix = (): string => `test-${randomUUID()}`;

export interface OwnRedis {
  readonly port: number;
  /** Where other nodes of a cluster reach it. */
  readonly busPort: number;
  readonly settings: RedisSettings;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: connections stay, nobody answers. */
  halt(): void;
  goOn(): void;
  /** Starts it again on the same port with what is left in its folder. */
  start(): Promise<void>;
  /** Bytes of its append-only log. */
  logBytes(): Promise<number>;
  /** Cuts the log of a killed server to this length. */
  cutLog(bytes: number): Promise<void>;
  /** Removes all data of a killed server. */
  empty(): Promise<void>;
  remove(): Promise<void>;
}

/** A redis-server that writes every command through to its log, so that a test decides what is lost. */
export async function startRedis(options: readonly string[] = []): Promise<OwnRedis> {
  // Of a cluster's node the bus stands on a port of its own: the usual one, 10,000 above, need be neither free nor a port at all.
  const [port, busPort] = (await freePorts(2)) as [number, number];
  const folder = await mkdtemp(join(tmpdir(), "modiste-redis-"));
  const logFolder = join(folder, "appendonlydir");
  let server: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    const fixed = [
      "--port",
      `${port}`,
      "--cluster-port",
      `${busPort}`,
      "--bind",
      "127.0.0.1",
      "--dir",
      folder,
      "--save",
      "",
      "--appendonly",
      "yes",
      "--appendfsync",
      "always",
    ];
    server = spawn("redis-server", [...fixed, ...options], { stdio: "ignore" });
    await answering(port, server);
  };
  const kill = async (): Promise<void> => {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  };
  const log = async (): Promise<string> => {
    const name = (await readdir(logFolder)).find((file) => file.endsWith(".incr.aof"));
    if (name === undefined) throw new Error(`there is no append-only log in ${logFolder}`);
    return join(logFolder, name);
  };
  await start();
  return {
    port,
    busPort,
    settings: { urls: [`redis://127.0.0.1:${port}`], timeoutMs: 5000 },
    kill,
    halt: () => void server?.kill("SIGSTOP"),
    goOn: () => void server?.kill("SIGCONT"),
    start,
    logBytes: async () => (await stat(await log())).size,
    cutLog: async (bytes) => truncate(await log(), bytes),
    empty: () => rm(logFolder, { recursive: true, force: true }),
    remove: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Answers of one server to inline commands. */
export function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: "127.0.0.1" }, () => socket.write(`${command}\r\n`));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(String(data));
    });
    socket.once("error", reject);
  });
}

async function answering(port: number, server: ChildProcess): Promise<void> {
  const failed = once(server, "exit").then(([code]) => {
    throw new Error(`redis-server ended with ${code}; is it installed?`);
  });
  failed.catch(() => undefined);
  await Promise.race([failed, until(async () => (await ask(port, "PING").catch(() => "")).startsWith("+PONG"), `redis at ${port}`)]);
}

/** Looks until it holds. */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + startMsMax;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what} did not come in ${startMsMax} ms`);
    await delay(20);
  }
}
