/** Manners of long loops: let others have a turn, and stop when nobody waits any more. */

import { setImmediate } from "node:timers/promises";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";

export interface Pace {
  /** True when this loop has run for long enough: then `await turn()`. Costs a clock read: ask every hundred microseconds or so. */
  due(): boolean;
  /** Gives the event loop one turn. Throws `cancelled` when the signal was aborted. */
  turn(): Promise<void>;
}

/** `sliceMs` is what a loop may hold the event loop for. */
export function createPace(signal: AbortSignal, sliceMs = 40): Pace {
  let started = systemClock.monotonicMs();
  return {
    due: () => systemClock.monotonicMs() - started >= sliceMs,
    turn: async () => {
      throwIfAborted(signal);
      await setImmediate();
      throwIfAborted(signal);
      started = systemClock.monotonicMs();
    },
  };
}

/** Throws `cancelled` when the signal was aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new ModisteError("cancelled", "cancelled", "the work was stopped by its caller", { cause: signal.reason });
}
