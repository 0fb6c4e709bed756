/** What the services of one process share while they start, run and end. */

import { systemClock } from "#libs/core/clock.ts";
import { createConnector } from "#libs/rpc/connect.ts";
import { parseFaults } from "#libs/rpc/faults.ts";
import { createLocalRouter, type LocalRouter } from "#libs/rpc/local.ts";
import type { ServerOptions } from "#libs/rpc/serve-call.ts";
import { createLogger, type Logger } from "#libs/telemetry/log.ts";
import { type ProcessTelemetry, startTelemetry } from "#libs/telemetry/telemetry.ts";
import { type FleetRow, rowNamed } from "./fleet-row.ts";
import type { RunningService, ServiceContext, ServiceModule } from "./service.ts";
import { homeFolder, type Settings } from "./settings.ts";
import { createSharedResources, type SharedResources } from "./shared.ts";
import type { StartOptions } from "./start.ts";

export interface ProcessParts {
  readonly fleet: readonly FleetRow[];
  /** Those that run here. */
  readonly rows: readonly FleetRow[];
  readonly settings: Settings;
  readonly options: StartOptions;
  readonly telemetry: ProcessTelemetry;
  readonly router: LocalRouter;
  readonly shared: SharedResources;
  readonly running: Map<string, RunningService>;
  /** What services say beside being ready. */
  readonly remarks: (() => string | null)[];
  /** Called last first. */
  readonly closers: (() => void | Promise<void>)[];
  phase: "starting" | "serving" | "draining";
  log(service: string): Logger;
}

export async function openParts(
  fleet: readonly FleetRow[],
  rows: readonly FleetRow[],
  settings: Settings,
  options: StartOptions,
): Promise<ProcessParts> {
  const telemetry = await startTelemetry({
    version: options.version ?? "0",
    otlpUrl: settings.process.otlpUrl,
    recentTraces: settings.process.recentTraces,
    sampleRatio: settings.process.traceSampleRatio,
    processMetrics: options.processMetrics ?? false,
  });
  const shared = createSharedResources();
  const closeShared = async (): Promise<void> => {
    const [failure] = await shared.close();
    if (failure !== undefined) throw failure;
  };
  const logs = new Map<string, Logger>();
  const log = (name: string): Logger => {
    const known = logs.get(name) ?? options.log?.(name) ?? createLogger({ service: name, level: settings.service(name).logLevel });
    logs.set(name, known);
    return known;
  };
  const names = rows.map((row) => row.name);
  log(names[0] ?? "").info({ services: names, config: settings.effective }, "starting");
  const closers = [() => telemetry.close(), closeShared];
  return {
    fleet,
    rows,
    settings,
    options,
    telemetry,
    router: createLocalRouter(),
    shared,
    running: new Map(),
    remarks: [],
    closers,
    phase: "starting",
    log,
  };
}

/** Starts one service. It may call others at once, but those that start later answer `unavailable` until all have started. */
export async function startService(parts: ProcessParts, row: FleetRow, module: ServiceModule): Promise<void> {
  const service = await module.start(createContext(parts, row));
  parts.closers.push(() => service.close());
  parts.running.set(row.name, service);
}

function createContext(parts: ProcessParts, row: FleetRow): ServiceContext {
  const { settings, options, fleet } = parts;
  const telemetry = parts.telemetry.service(row.name);
  const connector = createConnector({ telemetry, router: parts.router, key: settings.service(row.name).rpcKey });
  parts.closers.push(() => connector.close());
  return {
    name: row.name,
    row,
    fleet,
    config: settings.own(row.name),
    connect: (definition, peer, own = {}) => {
      // A service calls itself in its own process: its address may name other replicas.
      const target = peer === row.name ? `local:${peer}` : targetOf(parts, rowNamed(fleet, peer));
      return connector.connect(definition, target, { peer, ...own });
    },
    telemetry,
    log: parts.log(row.name),
    clock: options.clock ?? systemClock,
    home: homeFolder(settings.process, options.workingFolder ?? process.cwd()),
    shared: parts.shared,
    processReady: () => whyNotReady(parts),
    remarkWith: (say) => void parts.remarks.push(() => named(row.name, say())),
    processRemarks: () => remarksOf(parts),
    isKeyed: settings.service(row.name).rpcKeys.length > 0,
    subjectHashKey: settings.process.subjectHashKey,
    onClose: (close) => void parts.closers.push(close),
  };
}

/** Configured, else in this process when it runs here, else on this machine. */
function targetOf(parts: ProcessParts, row: FleetRow): string {
  const here = parts.rows.includes(row);
  const target = parts.settings.target(row.name) ?? (here ? "local:" : `dns:///127.0.0.1:${parts.settings.port(row)}`);
  return target === "local:" ? `local:${row.name}` : target;
}

/** What the doors of a service, local or not, are made from. */
export function serverOptions(parts: ProcessParts, row: FleetRow): ServerOptions {
  const own = parts.settings.service(row.name);
  return {
    name: row.name,
    telemetry: parts.telemetry.service(row.name),
    log: parts.log(row.name),
    keys: own.rpcKeys,
    concurrency: own.rpcConcurrency,
    queue: own.rpcQueue,
    faults: parts.options.faults ?? parseFaults(own.faults),
  };
}

const named = (service: string, said: string | null): string | null => (said === null ? null : `${service}: ${said}`);

/** What is wrong although the process may be ready. */
export function remarksOf({ remarks }: ProcessParts): readonly string[] {
  return remarks.flatMap((say) => say() ?? []);
}

/** Null when every service of the process can answer. */
export function whyNotReady({ phase, running }: ProcessParts): string | null {
  if (phase !== "serving") return phase;
  for (const [name, service] of running) {
    const reason = service.ready();
    if (reason !== null) return `${name}: ${reason}`;
  }
  return null;
}
