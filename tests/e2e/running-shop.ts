/** A test shop that runs: everything in this process, or every service as a process of its own. HTTP as a shop would speak it. */

import type { Faults } from "#libs/rpc/faults.ts";
import { type SpawnedFleet, spawnFleet } from "#libs/serve/spawn.ts";
import { type StartedServices, startServices } from "#libs/serve/start.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { freePorts } from "#libs/testing/free-port.ts";
import { fleet } from "../../services/fleet.ts";
import type { TestShop } from "../support/shop.ts";

export interface AnsweredItem {
  readonly contributions: readonly { readonly group: string; readonly value: number }[];
  readonly item_id: string;
  readonly score: number;
  readonly reasons: readonly {
    readonly kind: string;
    readonly source: string;
    readonly because_item_id: string;
    readonly text: string;
    readonly rule: string;
  }[];
}

/** The JSON of Recommend, SimilarItems and Popular, as far as tests read it. */
export interface Answer {
  readonly items: readonly AnsweredItem[];
  readonly grade: string;
  readonly coverage: {
    readonly user: string;
    readonly events: number;
    readonly asked: number;
    readonly answered: number;
    readonly sources: readonly {
      readonly source: string;
      readonly outcome: string;
      readonly candidates: number;
      readonly release: string;
    }[];
    readonly stages: readonly { readonly stage: string; readonly milliseconds: number }[];
    readonly removed: readonly { readonly filter: string; readonly removed: number }[];
    readonly degraded: readonly string[];
    readonly rules: readonly string[];
    readonly candidates_found: number;
    readonly candidates_ranked: number;
  };
  readonly releases: Readonly<Record<string, string>>;
  readonly trace_id: string;
  readonly recommendation_id: string;
}

export interface EventResults {
  readonly accepted: number;
  readonly results: readonly { readonly event_id: string; readonly accepted: boolean; readonly reason: string }[];
}

export interface UserAnswer {
  readonly known: boolean;
  readonly events: readonly { readonly item_id: string; readonly type: string; readonly time_seconds: number }[];
}

export interface HttpShop {
  /** "http://127.0.0.1:8080". */
  readonly url: string;
  get<T = Answer>(path: string): Promise<T>;
  post<T = Answer>(path: string, body: unknown): Promise<T>;
}

/** Throws with status and body for anything but 200: no answer of a degraded shop may be a failure. */
export function httpShop(url: string): HttpShop {
  const call = async <T>(path: string, init: RequestInit): Promise<T> => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  };
  const headers = { "content-type": "application/json" };
  return {
    url,
    get: (path) => call(path, {}),
    post: (path, body) => call(path, { method: "POST", headers, body: JSON.stringify(body) }),
  };
}

export interface LogLine {
  readonly level: string;
  readonly service: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface RunningShop extends HttpShop {
  readonly rpcPort: number;
  readonly started: StartedServices;
  /** Everything logged so far, oldest first. */
  readonly logs: readonly LogLine[];
  close(): Promise<void>;
}

export interface RunOptions {
  readonly faults?: Faults;
  readonly env?: Readonly<Record<string, string>>;
}

/** All services in this process, called by name. */
export async function runOneProcess(shop: TestShop, options: RunOptions = {}): Promise<RunningShop> {
  const [httpPort] = await freePorts(1);
  const logs: LogLine[] = [];
  const destination = { write: (line: string) => void logs.push(JSON.parse(line) as LogLine) };
  const started = await startServices(fleet, [], {
    env: { ...shop.env, MODISTE_HTTP_PORT: String(httpPort), ...options.env },
    log: (service) => createLogger({ service, level: "info", destination }),
    ...(options.faults ? { faults: options.faults } : {}),
  });
  const url = `http://127.0.0.1:${httpPort}`;
  return { ...httpShop(url), rpcPort: started.ports.get("gateway")!, started, logs, close: () => started.close() };
}

export interface RunningFleet extends HttpShop {
  readonly ports: ReadonlyMap<string, number>;
  readonly adminPorts: ReadonlyMap<string, number>;
  /** What the processes wrote, prefixed by the service. */
  readonly lines: readonly string[];
  pids(): ReadonlyMap<string, number>;
  /** Kills a service at once; nobody starts it again. */
  kill(service: string): void;
  stop(): Promise<void>;
}

const word = (name: string): string => `MODISTE_${name.toUpperCase().replaceAll("-", "_")}`;

/** Environment of every process of a fleet on free ports. */
function fleetEnvironment(
  ports: ReadonlyMap<string, number>,
  adminPorts: ReadonlyMap<string, number>,
  httpPort: number,
): Record<string, string> {
  const env: Record<string, string> = { MODISTE_HTTP_PORT: String(httpPort) };
  for (const { name } of fleet) {
    env[`${word(name)}_RPC_PORT`] = String(ports.get(name));
    env[`${word(name)}_ADMIN_PORT`] = String(adminPorts.get(name));
    env[`${word(name)}_URL`] = `dns:///127.0.0.1:${ports.get(name)}`;
  }
  return env;
}

/** Every service as a process of its own, over gRPC on free ports. */
export async function runFleetOf(shop: Pick<TestShop, "home">, options: RunOptions = {}): Promise<RunningFleet> {
  const [httpPort, ...free] = await freePorts(fleet.length * 2 + 1);
  const ports = new Map(fleet.map(({ name }, i) => [name, free[i]!]));
  const adminPorts = new Map(fleet.map(({ name }, i) => [name, free[fleet.length + i]!]));
  const { PATH = "" } = process.env;
  const env = {
    PATH,
    MODISTE_HOME: shop.home,
    MODISTE_LOG_LEVEL: "warn",
    ...fleetEnvironment(ports, adminPorts, httpPort!),
    ...options.env,
  };
  const lines: string[] = [];
  const rows = fleet.map((row) => ({ ...row, port: ports.get(row.name)! }));
  const spawned: SpawnedFleet = spawnFleet(rows, { env, restart: false, write: (line) => void lines.push(line) });
  try {
    await spawned.ready;
  } catch (error) {
    await spawned.stop();
    throw new Error(`${(error as Error).message}\n${lines.join("")}`);
  }
  const kill = (service: string): void => void process.kill(spawned.pids().get(service)!, "SIGKILL");
  return { ...httpShop(`http://127.0.0.1:${httpPort}`), ports, adminPorts, lines, pids: spawned.pids, kill, stop: () => spawned.stop() };
}

/** Asks again until `holds`; the machine may be slow, so only the number of looks is bounded. Answers the last look. */
export async function until<T>(look: () => Promise<T>, holds: (value: T) => boolean, looksMax = 2000): Promise<T> {
  for (let looks = 1; ; looks++) {
    const value = await look();
    if (holds(value)) return value;
    // A turn of the event loop, so that a look that does not wait cannot starve what it waits for.
    await new Promise((resolve) => setImmediate(resolve));
    if (looks >= looksMax) throw new Error(`did not come true in ${looks} looks; the last saw ${JSON.stringify(value).slice(0, 2000)}`);
  }
}

/** What two answers to one request have in common, whoever gave them. */
export function comparable({ items, grade, coverage, releases }: Answer): unknown {
  const { user, events, asked, answered, sources, degraded } = coverage;
  const said = sources.map(({ source, outcome, candidates, release }) => ({ source, outcome, candidates, release }));
  return { items, grade, user, events, asked, answered, said, degraded, releases };
}

export const itemIds = (answer: Answer): string[] => answer.items.map(({ item_id }) => item_id);
