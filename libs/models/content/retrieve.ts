/** Items like the recent ones: approximate search over what is on sale, exact search where a filter is selective. */

import { type AddedItems, joinAdded, nearestSources, vectorOf } from "#libs/models/content/added.ts";
import type { ContentSettings } from "#libs/models/content/settings.ts";
import {
  type AllowedRows,
  type CandidateColumns,
  noCandidates,
  ownRows,
  recentItems,
  type SubjectEvents,
  seedItems,
} from "#libs/models/query.ts";
import { weightsByCode } from "#libs/models/settings.ts";
import { createTopCollector, type Top } from "#libs/sparse/top-k.ts";
import type { VectorIndex, WeightedQuery } from "#libs/sparse/vector-index.ts";

export const contentReasons = ["similar_content"] as const;

/** Approximate neighbours of a vector among the active items: item indexes, in any order. */
export type NearSearch = (vector: Float32Array, k: number) => ArrayLike<bigint>;

export interface ContentArtifact {
  readonly settings: ContentSettings;
  /** All items; row = item index; vectors of length 1, or 0 for items without content. */
  readonly index: VectorIndex;
  readonly near: NearSearch;
  /** 1 for items on sale, [items], and how many. */
  readonly active: Uint8Array;
  readonly activeCount: number;
  /** What came after the release; null: nothing. */
  readonly added: AddedItems | null;
}

export interface ContentQuery extends SubjectEvents {
  readonly limit: number;
  readonly seeds: Int32Array;
  readonly allowed: AllowedRows | null;
}

/** The query's items never come back; a list is as long as the filter allows. Items no longer on sale stand behind all that are. */
export function retrieveSimilar(artifact: ContentArtifact, query: ContentQuery): CandidateColumns {
  const { settings, index, added } = artifact;
  const bySeeds = query.seeds.length > 0;
  const recent = bySeeds ? seedItems(query.seeds) : recentItems(query, weightsByCode(settings), settings);
  const sources = [...recent.items];
  const queries = contentQueries(artifact, sources, recent.weights, bySeeds);
  if (queries.length === 0 || query.limit === 0) return noCandidates;
  const excluded = new Set(bySeeds ? query.seeds : query.items);
  const own = search(artifact, queries, { ...query, allowed: ownRows(query.allowed, index.count) }, excluded);
  const passes = (item: number): boolean => !excluded.has(item) && (query.allowed === null || query.allowed.mask[item] === 1);
  const top = added === null ? own : joinAdded(own, index, added, queries, query.limit, passes);
  return {
    items: top.positions,
    scores: top.scores,
    reasons: new Uint8Array(top.positions.length),
    because: nearestSources(index, added, top.positions, sources),
  };
}

/** The weighted mean of the items' vectors, and the latest items alone at a discount. Empty when no item has content. */
function contentQueries(
  { settings, index, added }: ContentArtifact,
  items: readonly number[],
  weights: Float32Array,
  bySeeds: boolean,
): WeightedQuery[] {
  const { d } = index;
  const mean = new Float32Array(d);
  const singles: WeightedQuery[] = [];
  let rank = 1;
  items.forEach((item, i) => {
    const vector = vectorOf(index, added, item);
    if (vector.every((value) => value === 0)) return;
    for (let c = 0; c < d; c++) mean[c]! += rank * weights[i]! * vector[c]!;
    if (!bySeeds) rank *= settings.rankDecay;
    if (singles.length < settings.singleQueries) singles.push({ vector, weight: settings.singleFactor });
  });
  const length = Math.hypot(...mean);
  if (length === 0) return [];
  const middle = { vector: mean.map((value) => value / length), weight: 1 };
  return singles.length <= 1 ? [middle] : [middle, ...singles];
}

function search(artifact: ContentArtifact, queries: readonly WeightedQuery[], query: ContentQuery, excluded: ReadonlySet<number>): Top {
  const { allowed, limit } = query;
  const share = allowed === null ? 1 : allowed.items.length / artifact.index.count;
  if (allowed === null || share >= artifact.settings.exactShare) {
    const found = searchNear(artifact, queries, query, excluded, share);
    // Fewer than asked for: too little on sale, or the filter goes against what is near. The exact way misses nothing.
    if (found.positions.length === limit) return found;
  }
  return searchExact(artifact, queries, query, excluded);
}

/** Searches each query for more than needed, by the share that the filter takes away, and scores what was found exactly. */
function searchNear(
  { index, near, settings }: ContentArtifact,
  queries: readonly WeightedQuery[],
  { limit, allowed }: ContentQuery,
  excluded: ReadonlySet<number>,
  share: number,
): Top {
  const found = new Set<number>();
  queries.forEach(({ vector }, q) => {
    const wanted = q === 0 ? limit : Math.ceil(limit / 2);
    const k = Math.min(index.count, Math.ceil((wanted * 1.2) / share) + Math.min(excluded.size, settings.historyItems));
    for (const key of Array.from(near(vector, k))) {
      const item = Number(key);
      if (!excluded.has(item) && (allowed === null || allowed.mask[item] === 1)) found.add(item);
    }
  });
  const rows = Int32Array.from(found).sort();
  return takeBest(index.best(queries, rows), rows, limit, () => true);
}

/** Scores every allowed item; what is on sale first. */
function searchExact(
  { index, active }: ContentArtifact,
  queries: readonly WeightedQuery[],
  { limit, allowed }: ContentQuery,
  excluded: ReadonlySet<number>,
): Top {
  const rows = allowed === null ? Int32Array.from(active.keys()) : allowed.items;
  const scores = index.best(queries, rows);
  const onSale = takeBest(scores, rows, limit, (item) => active[item] === 1 && !excluded.has(item));
  const missing = limit - onSale.positions.length;
  if (missing === 0) return onSale;
  const others = takeBest(scores, rows, missing, (item) => active[item] === 0 && !excluded.has(item));
  // Scores stay descending: an item off sale gets 2 less than its cosine, which is below any cosine.
  return {
    positions: Int32Array.of(...onSale.positions, ...others.positions),
    scores: Float32Array.of(...onSale.scores, ...others.scores.map((score) => score - 2)),
  };
}

function takeBest(scores: Float32Array, rows: Int32Array, limit: number, keep: (item: number) => boolean): Top {
  const collector = createTopCollector(limit);
  for (let r = 0; r < rows.length; r++) {
    const score = scores[r]!;
    if (score >= collector.threshold() && keep(rows[r]!)) collector.offer(rows[r]!, score);
  }
  return collector.take();
}
