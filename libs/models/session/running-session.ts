/** The session that a subject is in at the time of a request. */

import type { SubjectEvents } from "#libs/models/query.ts";
import type { SessionSettings } from "#libs/models/session/settings.ts";

const secondsPerMinute = 60;

/**
 * Items of the latest events without a pause over `sessionGapMinutes` between them, nor between the last one and now, the latest last; at most
 * `sessionItemsMax`. Events of weight 0 (`weights` by event code) are not seen. Empty when no session runs.
 */
export function runningSession(events: SubjectEvents, weights: Float64Array, settings: SessionSettings): Int32Array {
  const gapSeconds = settings.sessionGapMinutes * secondsPerMinute;
  const items: number[] = [];
  let after = events.nowSeconds;
  for (let e = events.items.length - 1; e >= 0 && items.length < settings.sessionItemsMax; e--) {
    if (weights[events.types[e]!] === 0) continue;
    if (after - events.times[e]! > gapSeconds) break;
    items.push(events.items[e]!);
    after = events.times[e]!;
  }
  return Int32Array.from(items.reverse());
}
