/**
 * Closed-form graph filters (settings.ts has the papers). With R the users' items, D_U and D_I the degrees,
 *
 *   A = D_U^(-q/2) R D_I^(-b),  P = AᵀA / λ₁,  V Λ Vᵀ the leading eigenpairs of P,
 *   blurred:   r (D_I^(-p) P + w D_I^(-p') V Vᵀ D_I^out)       a linear and an ideal low-pass filter (GF-CF),
 *   sharpened: blurred s(P)                                    one step against the flow x' = -x P (BSPM),
 *
 * for a user's items r, where s(P) = I - T P with Euler's step and I - T P + (T P)² / 2 - (T P)³ / 6 + (T P)⁴ / 24 with Runge and Kutta's. A score
 * is linear in r: what is kept for an item is its row of P, cut to its largest values, and one row of two factors.
 * Departures: the exponents are free (as published all 1/2, q = 1, p = 0), and s(P) of the linear filter is exact on the leading eigenvectors
 * only; on the rest of the spectrum, small and narrow, it is the number s(mean eigenvalue): so one sparse matrix and two factors hold it all.
 */

import type { Progress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import { open } from "#libs/models/graph-filter/neighbours-worker.ts";
import { factorWidth, type GraphFilterSettings, oversample, spectrumRank } from "#libs/models/graph-filter/settings.ts";
import type { RecentGraph } from "#libs/models/lightgcn/graph.ts";
import { type Csr, createCsr, transpose } from "#libs/sparse/csr.ts";
import { createPace, type Pace } from "#libs/sparse/pace.ts";
import { createPool, sharedFloat32, sharedInt32 } from "#libs/sparse/pool.ts";
import { type GramOperator, openGramOperator } from "#libs/sparse/spectrum.ts";

export interface GraphFilterModel {
  /** Neighbours a row has room for. */
  readonly k: number;
  /** Graph items by value, best first, -1 past the last, [items, k]; never the row's own item. */
  readonly neighbours: Int32Array;
  /** Rows of D_I^(-p) P times s of the rest of the spectrum, aligned. */
  readonly values: Float32Array;
  /** Columns of left and right, `factorWidth` of the settings: the low-pass filter's and, unless both fit into them, the linear filter's sharpening. */
  readonly width: number;
  /** D_I^(-p') V, then D_I^(-p) V, [items, width]. The score of j by a history is the sum over its items i of values[i, j] + <left[i], right[j]>. */
  readonly left: Float32Array;
  /** [items, width]. */
  readonly right: Float32Array;
  /** Of P, descending, the first 1, [eigenvectors]. */
  readonly eigenvalues: Float32Array;
}

/** Users whose low-passed scores are averaged for `lowPassUnit: "share"`. */
const sampledUsers = 64;

/** Deterministic under `seed`, whatever the number of threads. Memory: 8 bytes a neighbour, 4 (eigenvectors + 32) (users + 2 items) bytes. Throws `cancelled`. */
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
  const most = spectrumRank(settings);
  const degrees = itemDegrees(graph);
  const a = filterMatrix(graph, settings, degrees);
  const operator = openGramOperator(a, most + oversample, threads, signal);
  try {
    progress({ step: "graph filter: eigenvectors", done: 0, total: 2, unit: "stages" });
    const spectrum = await operator.spectrum(most, settings.iterations, seed);
    const largest = spectrum.values[0]! || 1;
    const leading = columnsUpTo(spectrum.vectors, most, rank);
    const out = byDegree(leading, degrees, settings.outExponent);
    const sharpen = sharpeningSeries(settings);
    const sharpenedOut = await applySeries(operator, out, sharpen, largest, rank);
    progress({ step: "graph filter: neighbours", done: 1, total: 2, unit: "stages" });
    const rows = await linearRows(a, graph, settings, degrees, 1 / largest, threads, signal);
    const eigenvalues = spectrum.values.map((value) => value / largest);
    const rest = polynomial(sharpen, restOfSpectrum(a, rows.squares, eigenvalues, largest));
    const history = degrees.map((degree) => degree ** -settings.historyExponent);
    const low = byDegree(leading, degrees, -settings.lowPassHistoryExponent);
    const share = settings.lowPassUnit === "raw" ? 1 : await shareOf(graph, rows.sums, history, low, out, rank, seed, pace);
    const lowRight = sharpenedOut.map((value) => settings.lowPass * share * value);
    const response = eigenvalues.map((value) => value * (polynomial(sharpen, value) - rest));
    const linear = byDegree(spectrum.vectors, degrees, -settings.historyExponent);
    const linearRight = spectrum.vectors.map((value, at) => response[at % most]! * value);
    for (let at = 0; at < rows.values.length; at++) rows.values[at]! *= rest * history[Math.floor(at / rows.k)]!;
    const { left, right, width } = joinFactors(settings, [low, lowRight], [linear, linearRight]);
    return { k: rows.k, neighbours: rows.neighbours, values: rows.values, width, left, right, eigenvalues };
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
  readonly squares: Float32Array;
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
  const rows: LinearRows = {
    k,
    neighbours: sharedInt32(items * k),
    values: sharedFloat32(items * k),
    sums: sharedFloat32(items),
    squares: sharedFloat32(items),
  };
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

/** Coefficients of s by power of P. */
function sharpeningSeries({ sharpening, sharpeningSolver }: GraphFilterSettings): number[] {
  if (sharpening === 0) return [1];
  const t = -sharpening;
  return sharpeningSolver === "euler" ? [1, t] : [1, t, t ** 2 / 2, t ** 3 / 6, t ** 4 / 24];
}

const polynomial = (series: readonly number[], x: number): number => series.reduceRight((sum, coefficient) => sum * x + coefficient, 0);

/** s(P) x for x [items, rank], by Horner's rule. */
async function applySeries(
  operator: GramOperator,
  x: Float32Array,
  series: readonly number[],
  largest: number,
  rank: number,
): Promise<Float32Array> {
  let sum = x.map((value) => series.at(-1)! * value);
  for (let power = series.length - 2; power >= 0; power--) {
    const applied = await operator.apply(sum, rank);
    sum = applied.map((value, at) => value / largest + series[power]! * x[at]!);
  }
  return sum;
}

/** Mean of the eigenvalues of P that are not among the leading ones, weighed by themselves: trace of P² over trace of P, less the leading ones'. */
function restOfSpectrum(a: Csr, squares: Float32Array, eigenvalues: Float32Array, largest: number): number {
  const total = (values: Float32Array, of: (value: number) => number): number => values.reduce((sum, value) => sum + of(value), 0);
  const trace = total(a.values, (value) => value ** 2) / largest - total(eigenvalues, (value) => value);
  const ofSquare = total(squares, (value) => value) - total(eigenvalues, (value) => value ** 2);
  // Both are differences of near numbers where hardly anything is left.
  return trace > 1e-3 && ofSquare > 0 ? Math.min(eigenvalues.at(-1)!, ofSquare / trace) : 0;
}

/** Row i times degree_i^exponent, of [items, any]. */
function byDegree(rows: Float32Array, degrees: Float32Array, exponent: number): Float32Array {
  const width = rows.length / degrees.length;
  const factors = degrees.map((degree) => degree ** exponent);
  return rows.map((value, at) => factors[Math.floor(at / width)]! * value);
}

/** The first columns of [rows, from]. */
function columnsUpTo(rows: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return rows;
  const kept = new Float32Array((rows.length / from) * to);
  for (let row = 0; row * to < kept.length; row++) kept.set(rows.subarray(row * from, row * from + to), row * to);
  return kept;
}

type Factors = readonly [left: Float32Array, right: Float32Array];

/** Both filters' factors: side by side, or one set where they read the history alike. */
function joinFactors(settings: GraphFilterSettings, low: Factors, linear: Factors): Pick<GraphFilterModel, "left" | "right" | "width"> {
  const { rank } = settings;
  const [most, width] = [spectrumRank(settings), factorWidth(settings)];
  if (width === most) {
    // Without sharpening the linear filter has no factors, and only the low-pass filter's say how a history is read.
    if (settings.sharpening === 0) return { left: low[0], right: low[1], width };
    const right = linear[1].slice();
    low[1].forEach((value, at) => {
      right[Math.floor(at / rank) * most + (at % rank)]! += value;
    });
    return { left: linear[0], right, width };
  }
  const [left, right] = ([0, 1] as const).map((side) => {
    const joined = new Float32Array((low[side].length / rank) * width);
    for (let row = 0; row * width < joined.length; row++) {
      joined.set(low[side].subarray(row * rank, (row + 1) * rank), row * width);
      joined.set(linear[side].subarray(row * most, (row + 1) * most), row * width + rank);
    }
    return joined;
  }) as [Float32Array, Float32Array];
  return { left, right, width };
}
