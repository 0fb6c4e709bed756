/** Metrics and log of devices. */

import type { Logger } from "#libs/telemetry/log.ts";
import type { Metrics } from "#libs/telemetry/metrics.ts";
import type { DeviceWatcher } from "./device-session.ts";
import { type ChildDevice, needsOf } from "./settings.ts";

/** Made once a process: a metric's name may be taken once. */
export function deviceMetrics(metrics: Metrics) {
  return {
    processes: metrics.gauge("modiste_ranking_device_processes", "Processes of the device that answer", ["device"]),
    starts: metrics.counter("modiste_ranking_device_starts_total", "Processes of the device, by what became of their start", [
      "device",
      "outcome",
    ]),
    ends: metrics.counter(
      "modiste_ranking_device_ends_total",
      "Processes of the device that ended by themselves or were killed for hanging",
      ["device"],
    ),
    answers: metrics.counter("modiste_ranking_device_answers_total", "Runs of the ranker's network, by who answered", ["device", "by"]),
    misses: metrics.counter("modiste_ranking_device_misses_total", "Runs that the device did not answer, by why", ["device", "why"]),
  };
}

export type DeviceMetrics = ReturnType<typeof deviceMetrics>;

export function watchDevice(metrics: DeviceMetrics, log: Logger, device: ChildDevice, network: string): DeviceWatcher {
  const by = { device: metrics.answers.labels({ device, by: "device" }), cpu: metrics.answers.labels({ device, by: "cpu" }) };
  const again = (pauseMs: number): string => `the CPU answers; the next process starts in ${pauseMs} ms`;
  return {
    ready: () => {
      metrics.starts.inc({ device, outcome: "ready" });
      metrics.processes.inc({ device });
      log.info({ device, network }, `${device} answers for ${network}`);
    },
    lost: (how, pauseMs) => {
      metrics.processes.dec({ device });
      if (pauseMs === null) return;
      metrics.ends.inc({ device });
      log.error({ device, network, how }, `the process of ${device} for ${network} ended (${how}); ${again(pauseMs)}`);
    },
    refused: (error, pauseMs) => {
      metrics.starts.inc({ device, outcome: "refused" });
      const next =
        pauseMs === null
          ? `the CPU serves${error.reason === "device_differs" ? "" : `; ${device} needs ${needsOf(device)}`}`
          : again(pauseMs);
      log.error(
        { device, network, reason: error.reason, err: error },
        `MODISTE_RANKING_DEVICE asks for ${device} for ${network}: ${error.detail}; ${next}`,
      );
    },
    answered: (who) => by[who].inc(),
    missed: (why) => metrics.misses.inc({ device, why }),
  };
}
