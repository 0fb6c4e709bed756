/** Popularity that follows the live counters: what a release counted, in the windows of another day, with live counts on top. */

import { secondsPerDay } from "#libs/core/clock.ts";
import { daysOfItem, type ItemDays, segmentOfKey, typeOfKey } from "#libs/features/day-counts.ts";
import { isAged, type LiveView, visitDays } from "#libs/features/live-counts.ts";
import { weightsByCode } from "#libs/models/settings.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { type PopularityCounts, type PopularitySettings, windowDays } from "./popularity.ts";

type Windows = Pick<PopularityCounts, "windows" | "previous">;

/** Adds the buckets of one item to its windows. */
function addWindows(to: Windows, item: number, itemCount: number, days: ItemDays, today: number, weights: Float64Array): void {
  visitDays(days, today, (key, age, count) => {
    const weight = weights[typeOfKey(key)]! * count;
    for (let w = 0; w < windowDays.length; w++) {
      if (age <= windowDays[w]!) to.windows[w * itemCount + item]! += weight;
      else if (age <= 2 * windowDays[w]!) to.previous[w * itemCount + item]! += weight;
    }
  });
}

/** The release's own events in the windows of the view's day; its own windows where they are still right. O(buckets of the release). */
export async function ageWindows(released: Windows, settings: PopularitySettings, view: LiveView, pace: Pace): Promise<Windows> {
  const { recent, today, itemCount } = view;
  if (recent === null || !isAged(view)) return released;
  const weights = weightsByCode(settings);
  const aged = { windows: new Float32Array(released.windows.length), previous: new Float32Array(released.previous.length) };
  for (let item = 0; item < itemCount; item++) {
    addWindows(aged, item, itemCount, daysOfItem(recent, item), today, weights);
    if (item % 256 === 0 && pace.due()) await pace.turn();
  }
  return aged;
}

function scaled(values: Float32Array, factor: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let at = 0; at < values.length; at++) result[at] = values[at]! * factor;
  return result;
}

/** The middle of a day, at which its events are taken to lie. */
const middleOf = (day: number): number => (day + 0.5) * secondsPerDay;

/**
 * Counts as of the view's day. `released`: as the release has them, decayed to `anchorSeconds`; `aged`: as `ageWindows` answers them for that day. Decayed
 * counts are of the later of the two instants; nothing given is changed. O(segments x items + live buckets).
 */
export async function followCounts(
  released: PopularityCounts,
  aged: Windows,
  anchorSeconds: number,
  settings: PopularitySettings,
  view: LiveView,
  pace: Pace,
): Promise<PopularityCounts> {
  const { itemCount, today, added } = view;
  const weights = weightsByCode(settings);
  const halfLifeSeconds = settings.halfLifeDays * secondsPerDay;
  const instant = Math.max(anchorSeconds, middleOf(today));
  const factor = 2 ** ((anchorSeconds - instant) / halfLifeSeconds);
  const decayed = scaled(released.decayed, factor);
  if (pace.due()) await pace.turn();
  const decayedBySegment = new Float32Array(released.decayedBySegment.length);
  for (let start = 0; start < decayedBySegment.length; start += itemCount) {
    decayedBySegment.set(scaled(released.decayedBySegment.subarray(start, start + itemCount), factor), start);
    if (pace.due()) await pace.turn();
  }
  const windows = { windows: aged.windows.slice(), previous: aged.previous.slice() };
  let items = 0;
  for (let item = 0; item < itemCount; item++) {
    const live = added[item];
    if (live === undefined) continue;
    addWindows(windows, item, itemCount, live, today, weights);
    visitDays(live, today, (key, age, count) => {
      const weighed = weights[typeOfKey(key)]! * count * 2 ** ((middleOf(today - age) - instant) / halfLifeSeconds);
      decayed[item]! += weighed;
      decayedBySegment[segmentOfKey(key) * itemCount + item]! += weighed;
    });
    if (++items % 128 === 0 && pace.due()) await pace.turn();
  }
  return { itemCount, decayed, decayedBySegment, ...windows };
}
