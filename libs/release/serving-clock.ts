/** The instant that a release answers for. */

import { secondsPerDay } from "#libs/core/clock.ts";
import type { ReleaseManifest } from "./manifest.ts";

/** Data older than this when their release was made are history (a competition's, a demonstration's), not a running shop's. */
const historicDays = 30;

export type ClockMode = "auto" | "wall";

/**
 * How far the serving clock of a new release stands behind the wall clock: 0 for a running shop; for historic data the clock starts at the
 * end of the data. A parent made of data with the same end hands its own on, so that events posted under it keep their place in time.
 */
export function clockBehind(dataEndSeconds: number, createdSeconds: number, parent: ReleaseManifest | null): number {
  const behind = createdSeconds - dataEndSeconds;
  if (behind <= historicDays * secondsPerDay) return 0;
  return parent !== null && parent.data.end_seconds === dataEndSeconds ? parent.clock_behind_seconds : behind;
}

/** `wall`: the wall clock. `auto`: the release's clock, so that decay and windows mean what they did in training. Seconds since 1970 UTC. */
export function servingNow(manifest: ReleaseManifest, wallSeconds: number, mode: ClockMode): number {
  return mode === "wall" ? wallSeconds : wallSeconds - manifest.clock_behind_seconds;
}
