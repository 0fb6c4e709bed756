/** The life of a process: start, signals, drain, exit code. What `services/<name>/main.ts` calls. */

import { ConfigProblems } from "#libs/config/problems.ts";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import type { FleetRow } from "./fleet-row.ts";
import { type StartedServices, type StartOptions, startServices } from "./start.ts";

/** 0: ended as asked. 1: could not start or went down. 2: the configuration is wrong. */
export type ExitCode = 0 | 1 | 2;

export const stopSignals = ["SIGTERM", "SIGINT"] as const;

/** Ctrl-C arrives twice when npm or the fleet's parent forwards what the terminal already sent; a person is slower than this. */
const doubledSignalMs = 500;

/**
 * Runs services until a signal, then drains and exits the process. Resolves when all serve; never rejects.
 * A second signal exits at once. @param names services of the fleet; none: all in one process.
 */
export async function runProcess(
  fleet: readonly FleetRow[],
  names: readonly string[],
  options: StartOptions = {},
): Promise<StartedServices | undefined> {
  let stoppingSince: number | undefined;
  let started: StartedServices | undefined;
  const stop = (code: ExitCode): void => {
    const now = systemClock.monotonicMs();
    if (stoppingSince !== undefined && now - stoppingSince < doubledSignalMs) return;
    if (stoppingSince !== undefined) process.exit(1);
    stoppingSince = now;
    void stopAndExit(started, code);
  };
  for (const signal of stopSignals) process.on(signal, () => stop(0));
  try {
    started = await startServices(fleet, names, { processMetrics: true, ...options });
  } catch (error) {
    process.stderr.write(`${explainStart(error)}\n`);
    process.exit(error instanceof ConfigProblems ? 2 : 1);
  }
  const crash = (error: unknown): void => {
    started?.log.error({ err: error }, "an error that nobody caught");
    stop(1);
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  if (stoppingSince !== undefined) await stopAndExit(started, 0);
  return started;
}

async function stopAndExit(started: StartedServices | undefined, code: ExitCode): Promise<void> {
  if (started === undefined) return; // `runProcess` comes back here when the start has ended
  started.log.info("draining");
  await started.close();
  started.log.info({ code }, "stopped");
  process.exit(code);
}

/** One line for what people can mend, with the cause; the stack for what they cannot. */
export function explainStart(error: unknown): string {
  if (error instanceof ModisteError && error.code !== "internal") {
    return error.cause === undefined ? error.message : `${error.message} (${(error.cause as Error).message})`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
