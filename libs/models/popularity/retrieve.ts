/** A list of popular items for one request: the blend of all users and the user's segment, with places for categories and trends. */

import { secondsPerDay } from "#libs/core/clock.ts";
import type { PopularityCounts, PopularityLists, PopularitySettings } from "#libs/models/popularity/popularity.ts";
import { weekWindow } from "#libs/models/popularity/popularity.ts";
import { type AllowedRows, type CandidateColumns, decay, type SubjectEvents } from "#libs/models/query.ts";
import { weightsByCode } from "#libs/models/settings.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { createTopCollector, sortTop } from "#libs/sparse/top-k.ts";

/**
 * The source's reasons. "unsold" names items without any sale, which appear only where a filter leaves too little else; "popular_product" items that
 * came after the release, of a product that sells.
 */
export const popularityReasons = [
  "popular_week",
  "popular",
  "popular_segment",
  "trending",
  "popular_category",
  "unsold",
  "popular_product",
] as const;
export const reasonCode = { week: 0, ever: 1, segment: 2, trending: 3, category: 4, unsold: 5, product: 6 } as const;

/** What a part holds of popularity. */
export interface PopularityTables {
  readonly settings: PopularitySettings;
  readonly counts: PopularityCounts;
  readonly lists: PopularityLists;
  /** Sum of decayed counts, and by segment, [segments]. */
  readonly total: number;
  readonly segmentTotals: Float64Array;
  /** Category code, [items]. */
  readonly categories: Int32Array;
}

export interface PopularityArtifact extends PopularityTables {
  /** Best items by the blend of each segment, so that only filters need a scan: one list a segment. */
  readonly blended: readonly Int32Array[];
}

export interface PopularityQuery extends SubjectEvents {
  readonly limit: number;
  readonly segment: number;
  readonly seeds: Int32Array;
  readonly allowed: AllowedRows | null;
}

/** What a decayed event adds to an item's score: of all users, and of the segment. */
function blendFactors({ settings, total, segmentTotals }: PopularityTables, segment: number): { allFactor: number; ownFactor: number } {
  const size = segment === 0 ? 0 : segmentTotals[segment]!;
  const lambda = size === 0 ? 0 : (settings.segmentShare * size) / (size + settings.segmentPrior);
  const allFactor = total > 0 ? (1 - lambda) / total : 0;
  return { allFactor, ownFactor: size > 0 ? lambda / size : 0 };
}

/** Score of an item: its share of all decayed events blended with its share of the segment's, the latter shrunken by size. */
export function createBlend(artifact: PopularityTables, segment: number): { all: (item: number) => number; own: (item: number) => number } {
  const { counts } = artifact;
  const { allFactor, ownFactor } = blendFactors(artifact, segment);
  const row = segment * counts.itemCount;
  return { all: (item) => allFactor * counts.decayed[item]!, own: (item) => ownFactor * counts.decayedBySegment[row + item]! };
}

interface Choice {
  readonly reason: number;
  readonly because: number;
  readonly factor: number;
}

function sum(values: Float32Array): number {
  let total = 0;
  for (let at = 0; at < values.length; at++) total += values[at]!;
  return total;
}

/** What requests read: sums, and the best of each segment, each list as long as any sensible limit with what quotas and filters take away. */
export async function blendTables(tables: Omit<PopularityTables, "total" | "segmentTotals">, pace: Pace): Promise<PopularityArtifact> {
  const { itemCount, decayed, decayedBySegment } = tables.counts;
  const total = sum(decayed);
  const segmentTotals = new Float64Array(decayedBySegment.length / itemCount);
  for (let s = 0; s < segmentTotals.length; s++) {
    segmentTotals[s] = sum(decayedBySegment.subarray(s * itemCount, (s + 1) * itemCount));
    if (pace.due()) await pace.turn();
  }
  const summed = { ...tables, total, segmentTotals };
  const blended: Int32Array[] = [];
  for (let segment = 0; segment < segmentTotals.length; segment++) {
    blended.push(bestByBlend(summed, segment, blendedLength, null));
    if (pace.due()) await pace.turn();
  }
  return { ...summed, blended };
}

const blendedLength = 2000;

/** The k best items, of the allowed ones or of all that were ever sold. O(items): some 0.5 ms for 105 k. */
function bestByBlend(artifact: PopularityTables, segment: number, k: number, allowed: AllowedRows | null): Int32Array {
  const { decayed, decayedBySegment, itemCount } = artifact.counts;
  const { allFactor, ownFactor } = blendFactors(artifact, segment);
  const row = segment * itemCount;
  const collector = createTopCollector(k);
  const count = allowed?.items.length ?? itemCount;
  // Read and compared here: closures for each of 105 k items cost more than the sums.
  let threshold = collector.threshold();
  for (let at = 0; at < count; at++) {
    const item = allowed === null ? at : allowed.items[at]!;
    const score = allFactor * decayed[item]! + ownFactor * decayedBySegment[row + item]!;
    if (score < threshold || (score === 0 && allowed === null)) continue;
    collector.offer(item, score);
    threshold = collector.threshold();
  }
  return collector.take().positions;
}

/** Microseconds from the lists; where a filter or a long limit exhausts them, O(allowed items). */
export function retrievePopular(artifact: PopularityArtifact, query: PopularityQuery): CandidateColumns {
  const { settings } = artifact;
  const { all, own } = createBlend(artifact, query.segment);
  const excluded = new Set(query.seeds);
  const passes = (item: number): boolean => (query.allowed === null || query.allowed.mask[item] === 1) && !excluded.has(item);
  const chosen = new Map<number, Choice>();
  const quota = query.seeds.length > 0 ? settings.seedCategoryQuota : settings.categoryQuota;
  chooseByCategory(artifact, query, Math.floor(query.limit * quota), passes, chosen);
  chooseTrends(artifact, Math.floor(query.limit * settings.trendQuota), query.limit, passes, chosen);

  const fill = (list: Int32Array): void => {
    for (const item of list) {
      if (chosen.size >= query.limit) return;
      if (chosen.has(item) || !passes(item)) continue;
      chosen.set(item, { reason: plainReason(artifact, item, all(item), own(item)), because: -1, factor: 1 });
    }
  };
  fill(artifact.blended[query.segment]!);
  if (chosen.size < query.limit && (query.allowed !== null || query.limit > blendedLength / 2)) {
    fill(bestByBlend(artifact, query.segment, query.limit + excluded.size, query.allowed));
  }
  const items = Int32Array.from(chosen.keys());
  const scores = Float32Array.from(items, (item) => chosen.get(item)!.factor * (all(item) + own(item)));
  const top = sortTop(items, scores);
  return {
    items: top.positions,
    scores: top.scores,
    reasons: Uint8Array.from(top.positions, (item) => chosen.get(item)!.reason),
    because: Int32Array.from(top.positions, (item) => chosen.get(item)!.because),
  };
}

function plainReason({ counts }: PopularityArtifact, item: number, all: number, own: number): number {
  if (all + own === 0) return reasonCode.unsold;
  if (own > all) return reasonCode.segment;
  return counts.windows[weekWindow * counts.itemCount + item]! > 0 ? reasonCode.week : reasonCode.ever;
}

/** Fills `places` from the categories of the history (or of the seeds), the strongest first, equal parts. */
function chooseByCategory(
  artifact: PopularityArtifact,
  query: PopularityQuery,
  places: number,
  passes: (item: number) => boolean,
  chosen: Map<number, Choice>,
): void {
  const liked = likedCategories(artifact, query).slice(0, artifact.settings.historyCategories);
  if (liked.length === 0) return;
  const { offsets, items } = artifact.lists.categories;
  const each = Math.ceil(places / liked.length);
  for (const { category, because } of liked) {
    let taken = 0;
    for (let at = offsets[category]!; at < offsets[category + 1]! && taken < each && chosen.size < places; at++) {
      const item = items[at]!;
      if (!passes(item)) continue;
      chosen.set(item, { reason: reasonCode.category, because, factor: artifact.settings.categoryBoost });
      taken++;
    }
  }
}

interface LikedCategory {
  readonly category: number;
  readonly weight: number;
  /** The latest item of it. */
  readonly because: number;
}

function likedCategories({ settings, categories, lists }: PopularityArtifact, query: PopularityQuery): LikedCategory[] {
  const found = new Map<number, LikedCategory>();
  const known = lists.categories.offsets.length - 1;
  const add = (item: number, weight: number): void => {
    const category = categories[item]!;
    // A category that came after the release has no list.
    if (category < 0 || category >= known || weight <= 0) return;
    const before = found.get(category);
    found.set(category, { category, weight: (before?.weight ?? 0) + weight, because: before?.because ?? item });
  };
  if (query.seeds.length > 0) {
    for (const seed of query.seeds) add(seed, 1);
  } else {
    const weights = weightsByCode(settings);
    for (let e = query.items.length - 1; e >= 0; e--) {
      const age = (query.nowSeconds - query.times[e]!) / secondsPerDay;
      add(query.items[e]!, weights[query.types[e]!]! * decay(age, settings.recencyHalfLifeDays));
    }
  }
  return [...found.values()].sort((a, b) => b.weight - a.weight || a.category - b.category);
}

function chooseTrends(
  artifact: PopularityArtifact,
  places: number,
  limit: number,
  passes: (item: number) => boolean,
  chosen: Map<number, Choice>,
): void {
  let taken = 0;
  for (const item of artifact.lists.trend.items) {
    if (taken === places || chosen.size >= limit) return;
    if (chosen.has(item) || !passes(item)) continue;
    chosen.set(item, { reason: reasonCode.trending, because: -1, factor: artifact.settings.trendBoost });
    taken++;
  }
}
