/** Serving: the user is folded in from the current events, every item of the graph is scored. */

import type { LightGcnSettings } from "#libs/models/lightgcn/settings.ts";
import { type AllowedRows, type CandidateColumns, noCandidates, recentItems, type SubjectEvents, seedItems } from "#libs/models/query.ts";
import { weightsByCode } from "#libs/models/settings.ts";
import type { VectorIndex } from "#libs/sparse/vector-index.ts";

export const lightGcnReasons = ["liked_by_similar"] as const;

export interface LightGcnArtifact {
  readonly settings: LightGcnSettings;
  /** Item indexes of the graph's items, ascending: row r of `index` is item items[r]. */
  readonly items: Int32Array;
  /** Row of an item, -1 when the graph does not have it, [all items]. */
  readonly rowOf: Int32Array;
  /** Users of each row's item in the graph, [rows]. */
  readonly degrees: Float32Array;
  readonly index: VectorIndex;
  /** What a user is folded in from, [rows, d]: LightGcnModel.foldVectors. */
  readonly sources: Float32Array;
}

export interface LightGcnQuery extends SubjectEvents {
  readonly limit: number;
  readonly seeds: Int32Array;
  readonly allowed: AllowedRows | null;
}

/** What a user's vector is made of: rows of the index, and the factor of each. */
export interface FoldedUser {
  readonly vector: Float32Array;
  readonly rows: readonly number[];
  readonly factors: readonly number[];
}

/**
 * e_u = sum of w_i / sqrt(deg_i) s_i over the user's items, divided by the sum of w / sqrt(deg): the paper's propagation to a user
 * (equation 3) less the factor 1/sqrt(deg_u), which scales all scores of the user alike, with recency weights w. With s the items one layer
 * before the last, (I + ... + A^(L-1)) E, it is what the trained graph gives a user whose own embedding is 0. Null without known items.
 */
export function foldIn(artifact: LightGcnArtifact, items: Int32Array, weights: Float32Array): FoldedUser | null {
  const { d } = artifact.index;
  const { sources } = artifact;
  const rows: number[] = [];
  const factors: number[] = [];
  let sum = 0;
  for (let i = 0; i < items.length; i++) {
    const row = artifact.rowOf[items[i]!]!;
    if (row < 0) continue;
    const factor = weights[i]! / Math.sqrt(artifact.degrees[row]!);
    rows.push(row);
    factors.push(factor);
    sum += factor;
  }
  if (sum === 0) return null;
  const vector = new Float32Array(d);
  rows.forEach((row, r) => {
    factors[r]! /= sum;
    for (let c = 0; c < d; c++) vector[c]! += factors[r]! * sources[row * d + c]!;
  });
  return { vector, rows, factors };
}

/** One scan of the graph's items (of the allowed ones, when they are few). The query's own items are left out: others answer buying again. */
export function retrieveByGraph(artifact: LightGcnArtifact, query: LightGcnQuery): CandidateColumns {
  const { settings, index, items, rowOf } = artifact;
  const bySeeds = query.seeds.length > 0;
  const recent = bySeeds ? seedItems(query.seeds) : recentItems(query, weightsByCode(settings), settings);
  const user = foldIn(artifact, recent.items, recent.weights);
  if (user === null || query.limit === 0) return noCandidates;
  const excluded = new Set<number>();
  for (const item of bySeeds ? query.seeds : query.items) if (rowOf[item]! >= 0) excluded.add(rowOf[item]!);
  const top = index.top(user.vector, query.limit, allowedRows(artifact, query.allowed), excluded);
  return {
    items: top.positions.map((row) => items[row]!),
    scores: top.scores,
    reasons: new Uint8Array(top.positions.length),
    because: index.nearest(top.positions, user.rows, user.factors).map((at) => items[user.rows[at]!]!),
  };
}

function allowedRows({ rowOf, items }: LightGcnArtifact, allowed: AllowedRows | null): Int32Array | null {
  if (allowed === null) return null;
  if (allowed.items.length < items.length) return allowed.items.map((item) => rowOf[item]!).filter((row) => row >= 0);
  return Int32Array.from(items.keys()).filter((row) => allowed.mask[items[row]!] === 1);
}
