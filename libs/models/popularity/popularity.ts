/** What sells: exponentially decayed counts, counts in windows, both overall and by segment, and lists of the best. */

import { secondsPerDay } from "#libs/core/clock.ts";
import type { Progress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { segmentNames } from "#libs/features/segment.ts";
import { decimal, type EventWeights, eventWeightSpec, type SettingSpec, weightsByCode, whole } from "#libs/models/settings.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { createTopCollector, topK } from "#libs/sparse/top-k.ts";

export interface PopularitySettings extends EventWeights {
  readonly halfLifeDays: number;
  readonly segmentShare: number;
  readonly segmentPrior: number;
  readonly trendPrior: number;
  readonly categoryQuota: number;
  readonly seedCategoryQuota: number;
  readonly trendQuota: number;
  readonly categoryBoost: number;
  readonly trendBoost: number;
  readonly historyCategories: number;
  readonly recencyHalfLifeDays: number;
}

export const popularitySpec: SettingSpec<PopularitySettings> = {
  ...eventWeightSpec,
  halfLifeDays: decimal(5, 0.01, 10_000, "days after which an event counts half; fashion's best sellers change within weeks"),
  segmentShare: decimal(0.5, 0, 1, "weight of the user's segment against all users, before shrinking"),
  segmentPrior: decimal(200, 0, 1e9, "decayed events at which a segment's list gets half of segmentShare"),
  trendPrior: decimal(10, 0.001, 1e9, "events added to both windows of a trend, against flukes"),
  categoryQuota: decimal(0.3, 0, 1, "share of a list kept for categories that the user bought in lately"),
  seedCategoryQuota: decimal(0.7, 0, 1, "the same for a list similar to given items"),
  trendQuota: decimal(0.1, 0, 1, "share of a list kept for what rises"),
  categoryBoost: decimal(2, 0, 1000, "factor of a candidate that the category quota brought"),
  trendBoost: decimal(1.5, 0, 1000, "factor of a candidate that the trend quota brought"),
  historyCategories: whole(3, 0, 100, "categories of the user's history that share the quota"),
  recencyHalfLifeDays: decimal(30, 0, 10_000, "half-life of the user's events when categories are chosen"),
};

/** Windows in days: the last day, week and four weeks. */
export const windowDays = [1, 7, 28] as const;
/** Index of the week in `windowDays`; trends compare a week with the week before. */
export const weekWindow = 1;
export const listLengths = { overall: 1000, segment: 300, category: 100, trend: 300 } as const;

export interface PopularityCounts {
  readonly itemCount: number;
  /** Decayed counts of all users, [items]. */
  readonly decayed: Float32Array;
  /** [segments, items]. */
  readonly decayedBySegment: Float32Array;
  /** [windows, items]. */
  readonly windows: Float32Array;
  /** The same of each window's predecessor, [windows, items]. */
  readonly previous: Float32Array;
}

/** Lists of items, best first; list l is [offsets[l], offsets[l + 1]). */
export interface Lists {
  readonly offsets: Int32Array;
  readonly items: Int32Array;
}

/**
 * Where ages are counted from: `nowSeconds`, unless the data end more than a day before; then a day after their end, so that windows
 * are not empty only because the data are old.
 */
export function anchorSeconds(interactions: Interactions, nowSeconds: number): number {
  let last = 0;
  for (const time of interactions.times) if (time > last) last = time;
  return Math.min(nowSeconds, last + secondsPerDay);
}

/** One pass over all events; 31.8 M take a few seconds. `segments` is [users]. */
export async function countPopularity(
  interactions: Interactions,
  segments: Uint8Array,
  nowSeconds: number,
  settings: PopularitySettings,
  pace: Pace,
  progress: Progress,
): Promise<PopularityCounts> {
  const { itemCount, userCount, offsets, items, times, types } = interactions;
  const decayed = new Float64Array(itemCount);
  const decayedBySegment = new Float64Array(itemCount * segmentNames.length);
  const windows = new Float32Array(itemCount * windowDays.length);
  const previous = new Float32Array(itemCount * windowDays.length);
  const weights = weightsByCode(settings);
  const anchor = anchorSeconds(interactions, nowSeconds);
  for (let user = 0; user < userCount; user++) {
    const row = segments[user]! * itemCount;
    for (let e = offsets[user]!; e < offsets[user + 1]!; e++) {
      const weight = weights[types[e]!]!;
      if (weight === 0) continue;
      const item = items[e]!;
      const age = (anchor - times[e]!) / secondsPerDay;
      const count = weight * 2 ** (-Math.max(0, age) / settings.halfLifeDays);
      decayed[item]! += count;
      decayedBySegment[row + item]! += count;
      for (let w = 0; w < windowDays.length; w++) {
        if (age <= windowDays[w]!) windows[w * itemCount + item]! += weight;
        else if (age <= 2 * windowDays[w]!) previous[w * itemCount + item]! += weight;
      }
    }
    if (user % 1000 === 0 && pace.due()) {
      progress({ step: "popularity: counting", done: user, total: userCount, unit: "users" });
      await pace.turn();
    }
  }
  return { itemCount, decayed: Float32Array.from(decayed), decayedBySegment: Float32Array.from(decayedBySegment), windows, previous };
}

/** Decayed counts of all users alone, [items]. */
export async function decayedCounts(
  interactions: Interactions,
  nowSeconds: number,
  weights: EventWeights,
  halfLifeDays: number,
  pace: Pace,
): Promise<Float32Array> {
  const counts = new Float64Array(interactions.itemCount);
  const byCode = weightsByCode(weights);
  const anchor = anchorSeconds(interactions, nowSeconds);
  for (let e = 0; e < interactions.items.length; e++) {
    const age = Math.max(0, (anchor - interactions.times[e]!) / secondsPerDay);
    counts[interactions.items[e]!]! += byCode[interactions.types[e]!]! * 2 ** (-age / halfLifeDays);
    if (e % 65_536 === 0 && pace.due()) await pace.turn();
  }
  return Float32Array.from(counts);
}

/** (this week + prior) / (last week + prior) of every item above 1; no trends where there is no last week at all. */
export function trendScores(counts: PopularityCounts, prior: number): Float32Array {
  const { itemCount } = counts;
  const week = counts.windows.subarray(weekWindow * itemCount, (weekWindow + 1) * itemCount);
  const before = counts.previous.subarray(weekWindow * itemCount, (weekWindow + 1) * itemCount);
  if (before.every((count) => count === 0)) return new Float32Array(itemCount);
  const scores = new Float32Array(itemCount);
  for (let item = 0; item < itemCount; item++) {
    if (week[item]! > before[item]!) scores[item] = (week[item]! + prior) / (before[item]! + prior);
  }
  return scores;
}

export interface PopularityLists {
  /** One list a window. */
  readonly overall: Lists;
  readonly segments: Lists;
  /** One list a category code. */
  readonly categories: Lists;
  /** One list. */
  readonly trend: Lists;
}

/** Items that never occurred are in no list. `categories` is [items], -1: none. A list at a time, of which one takes some 1 ms for 105 k items. */
export async function popularityLists(
  counts: PopularityCounts,
  categories: Int32Array,
  categoryCount: number,
  trendPrior: number,
  pace: Pace,
): Promise<PopularityLists> {
  const { itemCount } = counts;
  const rows = async (matrix: Float32Array, k: number): Promise<Lists> => {
    const lists: Int32Array[] = [];
    for (let start = 0; start < matrix.length; start += itemCount) {
      lists.push(positiveTop(matrix.subarray(start, start + itemCount), k));
      if (pace.due()) await pace.turn();
    }
    return packLists(lists);
  };
  const collectors = Array.from({ length: categoryCount }, () => createTopCollector(listLengths.category));
  for (let item = 0; item < itemCount; item++) {
    const count = counts.decayed[item]!;
    if (count > 0) collectors[categories[item]!]?.offer(item, count);
    if (item % 4096 === 0 && pace.due()) await pace.turn();
  }
  return {
    overall: await rows(counts.windows, listLengths.overall),
    segments: await rows(counts.decayedBySegment, listLengths.segment),
    categories: packLists(collectors.map((collector) => collector.take().positions)),
    trend: await rows(trendScores(counts, trendPrior), listLengths.trend),
  };
}

function positiveTop(scores: Float32Array, k: number): Int32Array {
  return topK(scores, k).positions.filter((item) => scores[item]! > 0);
}

function packLists(lists: readonly Int32Array[]): Lists {
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, l) => {
    offsets[l + 1] = offsets[l]! + list.length;
  });
  const items = new Int32Array(offsets[lists.length]!);
  lists.forEach((list, l) => {
    items.set(list, offsets[l]!);
  });
  return { offsets, items };
}
