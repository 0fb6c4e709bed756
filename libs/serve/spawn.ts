/** `npm run fleet`: each service of the table as a process of its own, watched until a signal. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type Environment, readEnvironment } from "#libs/config/environment.ts";
import { serviceWord } from "#libs/config/schema.ts";
import { systemClock } from "#libs/core/clock.ts";
import { invalid, ModisteError } from "#libs/core/errors.ts";
import { codeExtension, loaderArguments } from "#libs/core/own-code.ts";
import { createConnector } from "#libs/rpc/connect.ts";
import { HealthDefinition } from "#libs/rpc/health.ts";
import { startTelemetry } from "#libs/telemetry/telemetry.ts";
import type { FleetRow } from "./fleet-row.ts";
import { stopSignals } from "./process.ts";

export interface SpawnOptions {
  readonly env?: Environment;
  /** Arguments of node for one service; default: those that start services/<name>/main.ts. */
  readonly argumentsOf?: (row: FleetRow) => readonly string[];
  /** Whether a service that dies is started again. Default true. */
  readonly restart?: boolean;
  /** Longest wait for all to be ready, milliseconds. Default 60,000. */
  readonly readyLimitMs?: number;
  /** Where prefixed lines go. Default stderr. */
  readonly write?: (line: string) => void;
}

export interface SpawnedFleet {
  /** Resolves when every service answers SERVING. @throws unavailable naming those that do not. */
  readonly ready: Promise<void>;
  /** Process ids by service; those of the moment. */
  pids(): ReadonlyMap<string, number>;
  /** SIGTERM to all, SIGKILL to who has not gone after `limitMs` (default 15,000). */
  stop(limitMs?: number): Promise<void>;
}

const restartPauseMs = { first: 250, longest: 10_000, calmAfter: 30_000 } as const;
const probePauseMs = 150;

const mainFile = (name: string): string => fileURLToPath(new URL(`../../services/${name}/main${codeExtension}`, import.meta.url));

/** Starts all rows at once, in the order of the table: none needs another to start. */
export function spawnFleet(fleet: readonly FleetRow[], options: SpawnOptions = {}): SpawnedFleet {
  const children = fleet.map((row) => new WatchedChild(row, options));
  const killAll = (): void => {
    for (const child of children) child.signal("SIGKILL");
  };
  process.once("exit", killAll);
  const stopped = new AbortController();
  return {
    ready: waitUntilServing(
      fleet.map((row) => ({ ...row, port: portOf(row, options.env) })),
      options.readyLimitMs ?? 60_000,
      stopped.signal,
    ),
    pids: () => new Map(children.flatMap((child) => (child.pid === undefined ? [] : [[child.row.name, child.pid]]))),
    async stop(limitMs = 15_000) {
      stopped.abort();
      await Promise.all(children.map((child) => child.stop(limitMs)));
      process.off("exit", killAll);
    },
  };
}

/** The whole life of `npm run fleet`: starts, says when all serve, stops all on a signal, exits 0; 1 when they do not become ready. */
export async function runFleet(fleet: readonly FleetRow[], options: SpawnOptions = {}): Promise<void> {
  if ((options.env ?? readEnvironment()).MODISTE_RPC_PORT !== undefined) {
    throw invalid("MODISTE_RPC_PORT", "would give every service of the fleet the same port; set MODISTE_<SERVICE>_RPC_PORT");
  }
  const spawned = spawnFleet(fleet, options);
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const stop = (code: 0 | 1): void => void spawned.stop().then(() => process.exit(code));
  for (const signal of stopSignals) process.on(signal, () => stop(0));
  try {
    await spawned.ready;
    write(`fleet       | ${fleet.length} services serve\n`);
  } catch (error) {
    write(`fleet       | ${(error as Error).message}\n`);
    stop(1);
  }
}

/** One service, started again with growing pauses when it dies. Exit code 2 (its configuration) is final. */
class WatchedChild {
  readonly row: FleetRow;
  private readonly options: SpawnOptions;
  private child: ChildProcess | undefined;
  private stopping = false;
  private pauseMs: number = restartPauseMs.first;
  private timer: NodeJS.Timeout | undefined;

  constructor(row: FleetRow, options: SpawnOptions) {
    this.row = row;
    this.options = options;
    this.launch();
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  async stop(limitMs: number): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    const { child } = this;
    if (child === undefined) return;
    const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
    const force = setTimeout(() => child.kill("SIGKILL"), limitMs);
    child.kill("SIGTERM");
    await gone;
    clearTimeout(force);
  }

  private launch(): void {
    const { name } = this.row;
    const nodeArguments = this.options.argumentsOf?.(this.row) ?? [...loaderArguments(), mainFile(name)];
    const env = { ...(this.options.env ?? readEnvironment()) };
    const child = spawn(process.execPath, [...nodeArguments], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    const startedAt = systemClock.monotonicMs();
    this.forward(child.stdout);
    this.forward(child.stderr);
    child.once("error", (error) => this.say(`cannot start: ${error.message}`));
    child.once("close", (code, signal) => this.onClose(code, signal, systemClock.monotonicMs() - startedAt));
  }

  private onClose(code: number | null, signal: string | null, livedMs: number): void {
    this.child = undefined;
    if (this.stopping) return;
    if (code === 2 || this.options.restart === false) {
      this.say(`ended (${signal ?? code})`);
      return;
    }
    if (livedMs > restartPauseMs.calmAfter) this.pauseMs = restartPauseMs.first;
    this.say(`died (${signal ?? code}); again in ${this.pauseMs} ms`);
    this.timer = setTimeout(() => this.launch(), this.pauseMs);
    this.pauseMs = Math.min(this.pauseMs * 2, restartPauseMs.longest);
  }

  private forward(stream: Readable): void {
    createInterface({ input: stream }).on("line", (line) => this.say(line));
  }

  private say(line: string): void {
    const write = this.options.write ?? ((text: string) => process.stderr.write(text));
    write(`${this.row.name.padEnd(12)}| ${line}\n`);
  }
}

/** Where a row listens: as its own variable says, else as the table says. */
function portOf(row: FleetRow, env: Environment = readEnvironment()): number {
  return Number(env[`MODISTE_${serviceWord(row.name)}_RPC_PORT`] ?? row.port);
}

async function waitUntilServing(fleet: readonly FleetRow[], limitMs: number, signal: AbortSignal): Promise<void> {
  const telemetry = await startTelemetry({ version: "0", recentTraces: 0, sampleRatio: 0 });
  const connector = createConnector({ telemetry: telemetry.service("fleet") });
  const waiting = new Set(fleet);
  const until = systemClock.monotonicMs() + limitMs;
  try {
    while (waiting.size > 0 && !signal.aborted && systemClock.monotonicMs() < until) {
      const serving = await Promise.all([...waiting].map(async (row) => ((await isServing(row, connector)) ? [row] : [])));
      for (const row of serving.flat()) waiting.delete(row);
      if (waiting.size > 0) await new Promise((resolve) => setTimeout(resolve, probePauseMs));
    }
  } finally {
    connector.close();
    await telemetry.close();
  }
  const names = [...waiting].map((row) => row.name).join(", ");
  if (waiting.size > 0 && !signal.aborted) throw new ModisteError("unavailable", "not_ready", `not serving after ${limitMs} ms: ${names}`);
}

async function isServing(row: FleetRow, connector: ReturnType<typeof createConnector>): Promise<boolean> {
  try {
    const health = connector.connect(HealthDefinition, `dns:///127.0.0.1:${row.port}`, { circuitFailures: 1e9 });
    return (await health.check({ service: "" }, { timeoutMs: 500 })).status === 1;
  } catch {
    return false;
  }
}
