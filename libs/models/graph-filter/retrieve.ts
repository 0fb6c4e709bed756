/** Serving a graph filter: the rows of the user's items vote, then the low-pass factors correct the best of them. */

import type { GraphFilterModel } from "#libs/models/graph-filter/fit.ts";
import { factorWidth, type GraphFilterSettings } from "#libs/models/graph-filter/settings.ts";
import { type AllowedRows, type CandidateColumns, noCandidates, recentItems, type SubjectEvents, seedItems } from "#libs/models/query.ts";
import { weightsByCode } from "#libs/models/settings.ts";
import { topK } from "#libs/sparse/top-k.ts";
import { createVectorIndex, type VectorIndex } from "#libs/sparse/vector-index.ts";

export interface GraphFilterArtifact {
  readonly settings: GraphFilterSettings;
  /** Item indexes of the graph's items, ascending: row r is item items[r]. */
  readonly items: Int32Array;
  /** Row of an item, -1 when the graph does not have it, [all items]. */
  readonly rowOf: Int32Array;
  readonly k: number;
  /** As in GraphFilterModel. */
  readonly neighbours: Int32Array;
  readonly values: Float32Array;
  readonly left: Float32Array;
  readonly right: VectorIndex;
  /** Scratch of one request (calls are synchronous): votes [rows], zeros between requests. */
  readonly votes: Float32Array;
  readonly touched: Int32Array;
}

export interface GraphFilterQuery extends SubjectEvents {
  readonly limit: number;
  readonly seeds: Int32Array;
  readonly allowed: AllowedRows | null;
}

type Arrays = Pick<GraphFilterModel, "k" | "neighbours" | "values" | "left" | "right">;

/** `itemCount`: of the catalogue. */
export function createGraphFilter(settings: GraphFilterSettings, items: Int32Array, itemCount: number, model: Arrays): GraphFilterArtifact {
  const rowOf = new Int32Array(itemCount).fill(-1);
  items.forEach((item, row) => {
    rowOf[item] = row;
  });
  const { k, neighbours, values, left } = model;
  const right = createVectorIndex(model.right, factorWidth(settings));
  const scratch = { votes: new Float32Array(items.length), touched: new Int32Array(items.length) };
  return { settings, items, rowOf, k, neighbours, values, left, right, ...scratch };
}

/** The query's own items are left out: others answer buying again. O(history k + rescored rank). */
export function retrieveByFilter(artifact: GraphFilterArtifact, query: GraphFilterQuery): CandidateColumns {
  const { settings, items, rowOf, right } = artifact;
  const bySeeds = query.seeds.length > 0;
  const recent = bySeeds ? seedItems(query.seeds) : recentItems(query, weightsByCode(settings), settings);
  const own = ownRows(artifact, recent.items);
  if (own.length === 0 || query.limit === 0) return noCandidates;
  const weights = Float32Array.from(recent.weights).filter((_, at) => rowOf[recent.items[at]!]! >= 0);
  const excluded = new Set<number>();
  for (const item of bySeeds ? query.seeds : query.items) if (rowOf[item]! >= 0) excluded.add(rowOf[item]!);
  const { rows, votes } = candidates(artifact, own, weights, query.allowed, excluded);
  const corrections = right.best([{ vector: signal(artifact, own, weights), weight: 1 }], rows);
  const scores = votes;
  for (let at = 0; at < scores.length; at++) scores[at]! += corrections[at]!;
  const top = topK(scores, query.limit);
  return {
    items: top.positions.map((at) => items[rows[at]!]!),
    scores: top.scores,
    reasons: new Uint8Array(top.positions.length),
    because: becauseOf(
      artifact,
      own,
      weights,
      top.positions.map((at) => rows[at]!),
    ).map((row) => (row < 0 ? -1 : items[row]!)),
  };
}

function ownRows({ rowOf }: GraphFilterArtifact, items: Int32Array): Int32Array {
  return items.map((item) => rowOf[item]!).filter((row) => row >= 0);
}

/** The history by the left factors, [width]. */
function signal({ left, settings }: GraphFilterArtifact, own: Int32Array, weights: Float32Array): Float32Array {
  const width = factorWidth(settings);
  const vector = new Float32Array(width);
  for (let h = 0; h < own.length; h++) {
    for (let c = 0, at = own[h]! * width; c < width; c++) vector[c]! += weights[h]! * left[at + c]!;
  }
  return vector;
}

/** Rows to score and their linear scores: few allowed ones all, else those with the largest linear scores. */
function candidates(
  artifact: GraphFilterArtifact,
  own: Int32Array,
  weights: Float32Array,
  allowed: AllowedRows | null,
  excluded: ReadonlySet<number>,
): { rows: Int32Array; votes: Float32Array } {
  const { settings, items, rowOf, k, neighbours, values, votes, touched } = artifact;
  let count = 0;
  for (let h = 0; h < own.length; h++) {
    const weight = weights[h]!;
    const end = (own[h]! + 1) * k;
    for (let at = own[h]! * k; at < end; at++) {
      const row = neighbours[at]!;
      if (row < 0) break;
      if (votes[row] === 0) touched[count++] = row;
      votes[row]! += weight * values[at]!;
    }
  }
  let rows: Int32Array;
  if (allowed !== null && allowed.items.length <= settings.rescored) {
    rows = allowed.items.map((item) => rowOf[item]!).filter((row) => row >= 0 && !excluded.has(row));
  } else {
    let reached = 0;
    const open = new Int32Array(count);
    // Plain loops: these run over some 15,000 rows a request, where callbacks cost milliseconds.
    for (let t = 0; t < count; t++) {
      const row = touched[t]!;
      if (allowed === null || allowed.mask[items[row]!] === 1) open[reached++] = row;
    }
    const kept = largest(open.subarray(0, reached), votes, settings.rescored + excluded.size);
    rows = kept.filter((row) => !excluded.has(row));
  }
  const scores = new Float32Array(rows.length);
  for (let at = 0; at < rows.length; at++) scores[at] = votes[rows[at]!]!;
  for (let t = 0; t < count; t++) votes[touched[t]!] = 0;
  return { rows, votes: scores };
}

/** The `most` rows with the largest votes, in their order; of equal ones at the cut the first. */
function largest(rows: Int32Array, votes: Float32Array, most: number): Int32Array {
  if (rows.length <= most) return rows;
  const values = new Float32Array(rows.length);
  for (let at = 0; at < rows.length; at++) values[at] = votes[rows[at]!]!;
  const least = smallestOfLargest(values, most);
  let above = 0;
  for (let at = 0; at < rows.length; at++) if (votes[rows[at]!]! > least) above++;
  const kept = new Int32Array(most);
  let size = 0;
  let equal = most - above;
  for (let at = 0; at < rows.length; at++) {
    const vote = votes[rows[at]!]!;
    if (vote > least || (vote === least && equal-- > 0)) kept[size++] = rows[at]!;
  }
  return kept;
}

/** The `most`-th largest value, by Hoare's selection; reorders `values`. O(n) on average. */
function smallestOfLargest(values: Float32Array, most: number): number {
  const wanted = values.length - most;
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else break;
  }
  return values[wanted]!;
}

/** The item of the history whose row gives each answered row most; -1 where none names it. */
function becauseOf({ k, neighbours, values }: GraphFilterArtifact, own: Int32Array, weights: Float32Array, rows: Int32Array): Int32Array {
  const because = new Int32Array(rows.length).fill(-1);
  const most = new Float32Array(rows.length);
  const placeOf = new Map<number, number>();
  rows.forEach((row, place) => {
    placeOf.set(row, place);
  });
  for (let h = 0; h < own.length; h++) {
    for (let at = own[h]! * k; at < (own[h]! + 1) * k && neighbours[at]! >= 0; at++) {
      const place = placeOf.get(neighbours[at]!);
      const part = weights[h]! * values[at]!;
      if (place === undefined || part <= most[place]!) continue;
      most[place] = part;
      because[place] = own[h]!;
    }
  }
  return because;
}
