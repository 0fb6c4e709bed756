/** Settings that every process and every service has. */

import { join } from "node:path";
import { choice, form, integer, list, millis, number, secret, text, url } from "#libs/config/fields.ts";
import { type ConfigSources, type LoadedConfig, loadConfig } from "#libs/config/load.ts";
import { ConfigProblems } from "#libs/config/problems.ts";
import { type ConfigOf, type ConfigSchema, defineConfig, serviceWord } from "#libs/config/schema.ts";
import { executorNames } from "#libs/graph/executors/executor.ts";
import { isTarget } from "#libs/rpc/connect.ts";
import { parseFaults } from "#libs/rpc/faults.ts";
import { logLevels } from "#libs/telemetry/log.ts";
import type { FleetRow } from "./fleet-row.ts";
import type { ServiceModule } from "./service.ts";

export const processSettings = defineConfig({
  home: text("HOME", "folder of releases, stores and data sets", { fallback: ".modiste" }),
  otlpUrl: url("OTLP_URL", "where traces are sent, OTLP over HTTP with JSON", { schemes: ["http:", "https:"], fallback: undefined }),
  traceSampleRatio: number("TRACE_SAMPLE_RATIO", "share of new traces that are recorded", { min: 0, max: 1, fallback: 1 }),
  recentTraces: integer("RECENT_TRACES", "traces kept in memory for the page", { min: 0, max: 100_000, fallback: 500 }),
  drainLimitMs: millis("DRAIN_LIMIT_MS", "longest wait for calls under way before the process ends", { max: 600_000, fallback: 10_000 }),
  noticeUrl: secret("NOTICE_URL", "webhook that training tells of its start, result or refusal (JSON with `text`, as Slack reads it)", {
    fallback: undefined,
  }),
  executor: choice("EXECUTOR", "library that trains neural models (libs/graph)", executorNames, { fallback: "onnx" }),
  subjectHashKey: secret(
    "SUBJECT_HASH_KEY",
    "key under which user ids are hashed in logs, traces and as keys of the stores: another key finds no profile",
    { min: 1, fallback: "modiste" },
  ),
});

export const serviceSettings = defineConfig({
  logLevel: choice("LOG_LEVEL", "least level that is logged", logLevels, { fallback: "info" }),
  rpcHost: text("RPC_HOST", "address that gRPC listens on; beyond loopback keys are required", { fallback: "127.0.0.1" }),
  rpcPort: integer("RPC_PORT", "port of gRPC; by default that of the fleet's table", { min: 0, max: 65_535, fallback: undefined }),
  adminPort: integer("ADMIN_PORT", "port of metrics and health over HTTP; by default 1000 above gRPC's", {
    min: 0,
    max: 65_535,
    fallback: undefined,
  }),
  rpcKeys: list("RPC_KEYS", "bearer keys that callers must name; none: everybody", { secret: true, fallback: [] }),
  rpcKey: secret("RPC_KEY", "bearer key that this service sends with its calls", { fallback: undefined }),
  rpcConcurrency: integer("RPC_CONCURRENCY", "calls at work at once", { min: 1, max: 10_000, fallback: 64 }),
  rpcQueue: integer("RPC_QUEUE", "calls that may wait for a slot", { min: 0, max: 100_000, fallback: 256 }),
  connectionAgeMs: millis(
    "RPC_CONNECTION_AGE_MS",
    "age at which a connection of gRPC is closed gently: callers then look for new replicas",
    {
      min: 1000,
      max: 86_400_000,
      fallback: 20_000,
    },
  ),
  faults: form("FAULTS", "faults on purpose, for drills", "<target>=delay:<ms>|error:<code>|hang|garbage, between commas", readsFaults, {
    fallback: "",
  }),
});

export type ProcessSettings = ConfigOf<typeof processSettings>;
export type ServiceSettings = ConfigOf<typeof serviceSettings>;

export interface Settings {
  readonly process: ProcessSettings;
  /** The common settings of a service that runs here. */
  service(name: string): ServiceSettings;
  /** Its own. */
  own(name: string): Readonly<Record<string, unknown>>;
  /** `MODISTE_<SERVICE>_URL`; undefined where it is not set. */
  target(name: string): string | undefined;
  /** Port of gRPC of a service, here or elsewhere on this machine. */
  port(row: FleetRow): number;
  readonly effective: Readonly<Record<string, unknown>>;
}

/** All schemas of a process, by service; the input of `loadConfig` and of docs/config.md. */
export function configSchemas(fleet: readonly FleetRow[], modules: ReadonlyMap<string, ServiceModule>): Record<string, ConfigSchema> {
  const targets = Object.fromEntries(fleet.map((row) => [`target:${row.name}`, targetField(row)]));
  const elsewhere = fleet.filter((row) => !modules.has(row.name));
  const ports = Object.fromEntries(elsewhere.map((row) => [`port:${row.name}`, portField(row)]));
  const schemas: Record<string, ConfigSchema> = { "": { ...processSettings, ...targets, ...ports } };
  for (const [name, module] of modules) schemas[name] = { ...serviceSettings, ...module.config };
  return schemas;
}

/** @throws ConfigProblems */
export function loadSettings(fleet: readonly FleetRow[], modules: ReadonlyMap<string, ServiceModule>, sources: ConfigSources): Settings {
  const elsewhere = fleet.map((row) => row.name).filter((name) => !modules.has(name));
  const loaded: LoadedConfig = loadConfig(configSchemas(fleet, modules), { ...sources, elsewhere });
  const own = (name: string): Readonly<Record<string, unknown>> => loaded.values[name] ?? {};
  const settings: Settings = {
    process: own("") as ProcessSettings,
    service: (name) => own(name) as ServiceSettings,
    own,
    target: (name) => own("")[`target:${name}`] as string | undefined,
    port: ({ name, port }) =>
      (modules.has(name) ? (own(name) as ServiceSettings).rpcPort : (own("")[`port:${name}`] as number | undefined)) ?? port,
    effective: loaded.effective,
  };
  refuseOpenDoors([...modules.keys()], settings);
  return settings;
}

/** Settings that say where a service listens; without keys nobody but this machine may call. */
const hostSettings = ["rpcHost", "httpHost"] as const;

function refuseOpenDoors(names: readonly string[], settings: Settings): void {
  const open = names.flatMap((name) => {
    const own = settings.own(name);
    if (settings.service(name).rpcKeys.length > 0) return [];
    return hostSettings.flatMap((setting) => {
      const host = own[setting];
      if (typeof host !== "string" || isLoopback(host)) return [];
      const variable = `MODISTE_${serviceWord(name)}_${setting === "rpcHost" ? "RPC" : "HTTP"}_HOST`;
      return [{ variable, message: `"${host}" is beyond loopback and MODISTE_RPC_KEYS names no key`, doc: serviceSettings.rpcHost.doc }];
    });
  });
  if (open.length > 0) throw new ConfigProblems(open);
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127\./.test(host);
}

/** Absolute path of the home folder. */
export function homeFolder(settings: ProcessSettings, workingFolder: string): string {
  return settings.home.startsWith("/") ? settings.home : join(workingFolder, settings.home);
}

/** The port of a service that runs elsewhere on this machine: the same variable that moves its door. */
function portField({ name, port }: FleetRow): ConfigSchema[string] {
  const doc = `port of gRPC of ${name}; by default ${port}`;
  return integer(`${serviceWord(name)}_RPC_PORT`, doc, { min: 0, max: 65_535, fallback: undefined });
}

function targetField({ name, port }: FleetRow): ConfigSchema[string] {
  const doc = `where ${name} is called: local:, dns:///<host>:<port> or static:<ip>:<port>,...; by default in the process, else 127.0.0.1:${port}`;
  return form(`${serviceWord(name)}_URL`, doc, "local:, dns:///<host>:<port> or static:<ip>:<port>,...", isTarget, { fallback: undefined });
}

function readsFaults(value: string): boolean {
  try {
    parseFaults(value);
    return true;
  } catch {
    return false;
  }
}
