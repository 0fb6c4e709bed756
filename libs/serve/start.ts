/** Starts services in this process: configuration, telemetry, services, doors, health. No signals, no exits: tests use it as it is. */

import { type Environment, readEnvironment } from "#libs/config/environment.ts";
import type { Clock } from "#libs/core/clock.ts";
import { type Connector, createConnector } from "#libs/rpc/connect.ts";
import type { Faults } from "#libs/rpc/faults.ts";
import { createHealth, type Health } from "#libs/rpc/health.ts";
import type { LocalRouter } from "#libs/rpc/local.ts";
import type { Logger } from "#libs/telemetry/log.ts";
import type { ProcessTelemetry } from "#libs/telemetry/telemetry.ts";
import { openAdmin, openRpc } from "./doors.ts";
import { type FleetRow, rowNamed } from "./fleet-row.ts";
import { openParts, type ProcessParts, startService, whyNotReady } from "./process-parts.ts";
import type { ServiceModule } from "./service.ts";
import { loadSettings, type Settings } from "./settings.ts";
import { closeInReverse } from "./shared.ts";

export interface StartOptions {
  /** Default: that of the process. */
  readonly env?: Environment;
  /** Folder that relative paths start from. Default: that of the process. */
  readonly workingFolder?: string;
  readonly clock?: Clock;
  /** Default: stderr, at `MODISTE_LOG_LEVEL`. */
  readonly log?: (service: string) => Logger;
  /** Instead of `MODISTE_FAULTS`. */
  readonly faults?: Faults;
  readonly version?: string;
  /** Whether to collect metrics of the process itself. Default false: tests start many. */
  readonly processMetrics?: boolean;
}

export interface StartedServices {
  /** Port of gRPC by service: the gateway's alone when several run here, else that of the one service. */
  readonly ports: ReadonlyMap<string, number>;
  readonly adminPort: number | undefined;
  readonly router: LocalRouter;
  readonly telemetry: ProcessTelemetry;
  readonly settings: Settings;
  /** Clients into this process ("local:itemcf"), as from outside of any service. */
  readonly connector: Connector;
  readonly log: Logger;
  /** Why the process is not ready; null when it is. */
  ready(): string | null;
  /** NOT_SERVING, drain up to `MODISTE_DRAIN_LIMIT_MS`, close in reverse. Again is harmless. */
  close(): Promise<void>;
}

/** Health that watchers see is renewed this often; /readyz asks anew each time. */
const healthPeriodMs = 250;

/**
 * @param names services of the fleet; none: all of them.
 * @throws ConfigProblems; failed_precondition "address_in_use"; whatever the start of a service throws. What was opened is closed before.
 */
export async function startServices(
  fleet: readonly FleetRow[],
  names: readonly string[],
  options: StartOptions = {},
): Promise<StartedServices> {
  const rows = names.length === 0 ? fleet : names.map((name) => rowNamed(fleet, name));
  const modules = new Map<string, ServiceModule>();
  for (const row of rows) modules.set(row.name, await row.module());
  const settings = loadSettings(fleet, modules, { env: options.env ?? readEnvironment() });
  const parts = await openParts(fleet, rows, settings, options);
  try {
    for (const row of rows) await startService(parts, row, modules.get(row.name) as ServiceModule);
    return await openDoors(parts);
  } catch (error) {
    await closeParts(parts);
    throw error;
  }
}

/** Everything is loaded: listens, then says that it serves. */
async function openDoors(parts: ProcessParts): Promise<StartedServices> {
  const { settings, telemetry, router, rows } = parts;
  const fullNames = [...parts.running.values()].flatMap(({ bindings }) => bindings.map((binding) => binding.definition.fullName));
  const health = createHealth([...new Set(fullNames)]);
  const adminPort = await openAdmin(parts);
  const ports = await openRpc(parts, health);
  const firstName = rows[0]?.name ?? "";
  const connector = createConnector({ telemetry: telemetry.service("caller"), router, key: settings.service(firstName).rpcKey });
  parts.closers.push(() => connector.close());
  serve(parts, health);
  const log = parts.log(firstName);
  log.info({ ports: Object.fromEntries(ports), adminPort }, "serving");
  const ready = (): string | null => whyNotReady(parts);
  return { ports, adminPort, router, telemetry, settings, connector, log, ready, close: () => closeParts(parts) };
}

/** Health follows readiness until draining begins, which is the first thing that closing does. */
function serve(parts: ProcessParts, health: Health): void {
  const refresh = (): void => health.set(whyNotReady(parts) === null);
  const refreshing = setInterval(refresh, healthPeriodMs);
  refreshing.unref();
  parts.phase = "serving";
  refresh();
  parts.closers.push(async () => {
    parts.phase = "draining";
    clearInterval(refreshing);
    health.set(false);
    const drained = Promise.allSettled([...parts.running.values()].map((service) => service.drain?.()));
    await withinLimit(drained, parts.settings.process.drainLimitMs);
  });
}

async function closeParts(parts: ProcessParts): Promise<void> {
  const failures = await closeInReverse(parts.closers.splice(0));
  for (const error of failures) parts.log(parts.rows[0]?.name ?? "").error({ err: error }, "closing failed");
}

function withinLimit(work: Promise<unknown>, limitMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
