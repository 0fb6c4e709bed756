/** Puts the ranker's network where the settings say. */

import type { Clock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { batchRuns } from "#libs/graph/executors/batched.ts";
import type { Session } from "#libs/graph/executors/session.ts";
import type { PlaceNetwork, ScoringNetwork } from "#libs/serve/ranker.ts";
import type { ServiceContext } from "#libs/serve/service.ts";
import { graphShapes } from "../graph-part.ts";
import { type DeviceLimits, DeviceSession, type DeviceWatcher, deviceLimits } from "./device-session.ts";
import type { DeviceNetwork } from "./messages.ts";
import type { ChildDevice, DeviceSettings } from "./settings.ts";
import { deviceMetrics, watchDevice } from "./watch.ts";

export interface PlaceOptions {
  readonly settings: DeviceSettings;
  readonly clock: Clock;
  readonly watch: (device: ChildDevice, network: string) => DeviceWatcher;
  /** A stand-in of tests. */
  readonly module?: URL;
  readonly limits?: Partial<DeviceLimits>;
}

function forDevice(device: ChildDevice, { file, graph, weights }: ScoringNetwork): DeviceNetwork {
  const onFile = device === "cuda" || device === "webgpu";
  return { file, graph, shapes: graphShapes(graph), weights: onFile ? null : weights() };
}

/** The device's session; the CPU's where the device is refused, which the watcher has been told. */
async function openDevice(device: ChildDevice, network: ScoringNetwork, options: PlaceOptions): Promise<Session> {
  const { settings, clock, module = null, limits = {} } = options;
  const { name, cpu, golden, graph } = network;
  const watcher = options.watch(device, name);
  try {
    const session = new DeviceSession({
      device,
      network: forDevice(device, network),
      module,
      cpu,
      golden,
      limits: { ...deviceLimits, runMs: settings.deviceLimitMs, ...limits },
      watcher,
      clock,
    });
    await session.start();
    return batchRuns(session, { graph, size: "rows", rowsMax: settings.batchRows, waitMs: settings.batchWaitMs });
  } catch (cause) {
    if (!(cause instanceof ModisteError)) throw cause;
    watcher.refused(cause, null);
    return cpu;
  }
}

/** Throws bugs only: whatever a device lacks, the network is served. */
export function createPlacement(options: PlaceOptions): PlaceNetwork {
  const { device } = options.settings;
  return async (network) => (device === "cpu" ? network.cpu : openDevice(device, network, options));
}

/** The placement of a service that starts, with its metrics and log. */
export function servicePlacement({
  config,
  clock,
  log,
  telemetry,
}: Pick<ServiceContext<DeviceSettings>, "config" | "clock" | "log" | "telemetry">): PlaceNetwork {
  const metrics = deviceMetrics(telemetry.metrics);
  return createPlacement({ settings: config, clock, watch: (device, network) => watchDevice(metrics, log, device, network) });
}
