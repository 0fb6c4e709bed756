/** The instant that a release answers for. */

import { secondsPerDay } from "#libs/core/clock.ts";
import type { ReleaseManifest } from "./manifest.ts";

/** Data older than this when their release was made are history (a competition's, a demonstration's), not a running shop's. */
const historicDays = 30;

export type ClockMode = "auto" | "wall";

/**
 * `wall`: the wall clock. `auto`: the same, but for a release made of historic data the clock starts at the end of the data
 * when the release is made, so that decay and windows mean what they did in training. Seconds since 1970 UTC.
 */
export function servingNow(manifest: ReleaseManifest, wallSeconds: number, mode: ClockMode): number {
  const behind = manifest.created_seconds - manifest.data.end_seconds;
  return mode === "wall" || behind <= historicDays * secondsPerDay ? wallSeconds : wallSeconds - behind;
}
