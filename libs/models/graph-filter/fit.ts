/**
 * Closed-form graph filters (settings.ts has the papers). With R the users' items, D_U and D_I the degrees,
 *
 *   A = D_U^(-q/2) R D_I^(-b),  P = AᵀA / λ₁,  V Λ Vᵀ the leading eigenpairs of P,
 *   blurred:   r D_I^(-p) (P + w V Vᵀ D_I^out)                 a linear and an ideal low-pass filter (GF-CF),
 *   sharpened: blurred (I - T P)                               one Euler step (BSPM),
 *
 * for a user's items r. A score is linear in r: what is kept for an item is its row of P, cut to its largest values, and one row of two factors.
 * Departures: the exponents are free (all 1/2 as published, q = 1, p = 0), and P² of the sharpened linear filter is taken on the leading
 * eigenvectors (V Λ² Vᵀ), where nearly all of it is: so one sparse matrix and one pair of factors hold the whole filter.
 */

import type { Progress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import { open } from "#libs/models/graph-filter/neighbours-worker.ts";
import { type GraphFilterSettings, oversample } from "#libs/models/graph-filter/settings.ts";
import type { RecentGraph } from "#libs/models/lightgcn/graph.ts";
import { type Csr, createCsr, transpose } from "#libs/sparse/csr.ts";
import { createPace, type Pace } from "#libs/sparse/pace.ts";
import { createPool, sharedFloat32, sharedInt32 } from "#libs/sparse/pool.ts";
import { openGramOperator, type Spectrum } from "#libs/sparse/spectrum.ts";

export interface GraphFilterModel {
  /** Neighbours a row has room for. */
  readonly k: number;
  /** Graph items by value, best first, -1 past the last, [items, k]; never the row's own item. */
  readonly neighbours: Int32Array;
  /** Rows of D_I^(-p) P, aligned. */
  readonly values: Float32Array;
  readonly rank: number;
  /** D_I^(-p) V, [items, rank]. The score of j by a history is the sum over its items i of values[i, j] + <left[i], right[j]>. */
  readonly left: Float32Array;
  /** Low-pass and sharpening together, [items, rank]. */
  readonly right: Float32Array;
  /** Of P, descending, the first 1, [rank]. */
  readonly eigenvalues: Float32Array;
}

/** Users whose low-passed scores are averaged for `lowPassUnit: "share"`. */
const sampledUsers = 64;

/** Deterministic under `seed`, whatever the number of threads. Memory: 8 bytes a neighbour, 4 (rank + 32) (users + 2 items) bytes. Throws `cancelled`. */
export async function fitGraphFilter(
  graph: RecentGraph,
  settings: GraphFilterSettings,
  seed: number,
  threads: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<GraphFilterModel> {
  const pace = createPace(signal);
  await pace.turn();
  const { rank } = settings;
  const degrees = itemDegrees(graph);
  const a = filterMatrix(graph, settings, degrees);
  const operator = openGramOperator(a, rank + oversample, threads, signal);
  try {
    progress({ step: "graph filter: eigenvectors", done: 0, total: 2, unit: "stages" });
    const spectrum = await operator.spectrum(rank, settings.iterations, seed);
    const largest = spectrum.values[0]! || 1;
    const out = spectrum.vectors.map((value, at) => value * degrees[Math.floor(at / rank)]! ** settings.outExponent);
    const blurredOut = await operator.apply(out, rank);
    progress({ step: "graph filter: neighbours", done: 1, total: 2, unit: "stages" });
    const rows = await linearRows(a, graph, settings, degrees, 1 / largest, threads, signal);
    const history = degrees.map((degree) => degree ** -settings.historyExponent);
    const left = spectrum.vectors.map((value, at) => value * history[Math.floor(at / rank)]!);
    const share = settings.lowPassUnit === "raw" ? 1 : await shareOf(graph, rows.sums, history, left, out, rank, seed, pace);
    const right = rightFactors(spectrum, out, blurredOut, settings.lowPass * share, settings.sharpening);
    for (let at = 0; at < rows.values.length; at++) rows.values[at]! *= history[Math.floor(at / rows.k)]!;
    const eigenvalues = spectrum.values.map((value) => value / largest);
    return { k: rows.k, neighbours: rows.neighbours, values: rows.values, rank, left, right, eigenvalues };
  } finally {
    await operator.close();
  }
}

/** Users of each item, [items]; every item of the graph has one. */
function itemDegrees(graph: RecentGraph): Float32Array {
  const degrees = new Float32Array(graph.items.length);
  for (const item of graph.edges) degrees[item]!++;
  return degrees;
}

/** A, [users, items]. */
function filterMatrix(graph: RecentGraph, settings: GraphFilterSettings, degrees: Float32Array): Csr {
  const { offsets, edges, userCount } = graph;
  const values = new Float32Array(edges.length);
  for (let user = 0; user < userCount; user++) {
    const weight = (offsets[user + 1]! - offsets[user]!) ** (-settings.userExponent / 2);
    for (let e = offsets[user]!; e < offsets[user + 1]!; e++) values[e] = weight * degrees[edges[e]!]! ** -settings.itemExponent;
  }
  return createCsr(userCount, degrees.length, offsets, edges, values);
}

interface LinearRows {
  readonly k: number;
  readonly neighbours: Int32Array;
  readonly values: Float32Array;
  readonly sums: Float32Array;
}

/** Rows of P by the pool. */
async function linearRows(
  a: Csr,
  graph: RecentGraph,
  settings: GraphFilterSettings,
  degrees: Float32Array,
  scale: number,
  threads: number,
  signal: AbortSignal,
): Promise<LinearRows> {
  const items = degrees.length;
  const k = Math.max(1, Math.min(settings.neighbours, items - 1));
  const byItem = transpose(a);
  const shareInts = (values: Int32Array): Int32Array => {
    const copy = sharedInt32(values.length);
    copy.set(values);
    return copy;
  };
  const rows: LinearRows = { k, neighbours: sharedInt32(items * k), values: sharedFloat32(items * k), sums: sharedFloat32(items) };
  const userWeights = sharedFloat32(graph.userCount);
  for (let user = 0; user < graph.userCount; user++)
    userWeights[user] = (graph.offsets[user + 1]! - graph.offsets[user]!) ** -settings.userExponent;
  const itemWeights = sharedFloat32(items);
  for (let item = 0; item < items; item++) itemWeights[item] = degrees[item]! ** -settings.itemExponent;
  const input = {
    itemCount: items,
    itemOffsets: shareInts(byItem.offsets),
    itemUsers: shareInts(byItem.indices),
    userOffsets: shareInts(graph.offsets),
    userItems: shareInts(graph.edges),
    userWeights,
    itemWeights,
    scale,
    ...rows,
  };
  const pool = createPool({ threads, module: new URL("./neighbours-worker.ts", import.meta.url), open, input, signal });
  try {
    const size = 256;
    const starts = Array.from({ length: Math.ceil(items / size) }, (_, t) => t * size);
    await Promise.all(starts.map((from) => pool.run({ from, to: Math.min(items, from + size) })));
  } finally {
    await pool.close();
  }
  return rows;
}

/** Mean linear score over mean absolute low-passed score of users of the graph: what makes the weight of the one a share of the other. */
async function shareOf(
  graph: RecentGraph,
  sums: Float32Array,
  history: Float32Array,
  left: Float32Array,
  out: Float32Array,
  rank: number,
  seed: number,
  pace: Pace,
): Promise<number> {
  const random = createRandom(seed, "graph filter share");
  let linear = 0;
  let low = 0;
  for (let n = 0; n < sampledUsers; n++) {
    const user = random.below(graph.userCount);
    const coordinates = new Float32Array(rank);
    for (let e = graph.offsets[user]!; e < graph.offsets[user + 1]!; e++) {
      const item = graph.edges[e]!;
      linear += history[item]! * sums[item]!;
      for (let c = 0; c < rank; c++) coordinates[c]! += left[item * rank + c]!;
    }
    for (let item = 0; item < history.length; item++) {
      let score = 0;
      for (let c = 0; c < rank; c++) score += coordinates[c]! * out[item * rank + c]!;
      low += Math.abs(score);
    }
    if (pace.due()) await pace.turn();
  }
  return low > 0 ? linear / low : 0;
}

/** w (D^out V - T P D^out V) - T V Λ², so that left times right is the low-pass filter and both filters' sharpening. */
function rightFactors(spectrum: Spectrum, out: Float32Array, blurredOut: Float32Array, weight: number, step: number): Float32Array {
  const rank = spectrum.values.length;
  const largest = spectrum.values[0]! || 1;
  return out.map((value, at) => {
    const eigenvalue = spectrum.values[at % rank]! / largest;
    return weight * (value - (step * blurredOut[at]!) / largest) - step * eigenvalue ** 2 * spectrum.vectors[at]!;
  });
}
