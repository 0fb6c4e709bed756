/**
 * Functions of kernels/blocks.ts; every array is a byte offset into the memory, matrices are row-major f32. "Panels" hold a matrix [d, n] as
 * [ceil(n / 8)][d][8]; columns past n are 0. Each function's own words stand in the kernel's file.
 */

export interface BlockKernels {
  /** out[row - from, 8 (panel - panelFrom) ...] = x[row] times the panels, for rows [from, to); `outStride` in values. */
  multiplyPanels(
    x: number,
    panels: number,
    out: number,
    d: number,
    from: number,
    to: number,
    panelFrom: number,
    panelTo: number,
    outStride: number,
  ): void;
  /** Column c of the panels becomes z[rows[c]] (rows 0: z[c]), for c < count. */
  packRows(z: number, rows: number, count: number, d: number, panels: number): void;
  /** out [n, d] += aᵀb over rows [from, to) of a [_, n] and b [_, d]; upper 1: only what lies on or above the diagonal. */
  outerSum(a: number, n: number, b: number, d: number, from: number, to: number, out: number, upper: 0 | 1): void;
  /** Takes scores of items first, first + 1, ... into a heap, worst first, of at most k; answers its new size. */
  offerScores(scores: number, first: number, count: number, k: number, held: number, topScores: number, topIds: number): number;
  /** The heap as a list, best first, ties by the lower item. */
  sortHeap(topScores: number, topIds: number, held: number): void;
  /** The k best items of users [from, to); scratch [to - from, 256], cursors and sizes [to - from], top [to - from, k]. */
  rankBlock(
    x: number,
    panels: number,
    d: number,
    itemCount: number,
    from: number,
    to: number,
    seenOffsets: number,
    seen: number,
    scratch: number,
    cursors: number,
    k: number,
    topScores: number,
    topIds: number,
    sizes: number,
  ): void;
  /** y[i] = z[rows[i]], scaled to length 1 where `unit`; lengths[i] what it was divided by. */
  gatherRows(z: number, rows: number, from: number, to: number, d: number, y: number, lengths: number, unit: 0 | 1): void;
  /** Loss of pairs [from, to) against shared negatives; logits [to - from, count] become the negatives' factors. */
  softmaxPairs(
    x: number,
    y: number,
    d: number,
    from: number,
    to: number,
    positives: number,
    negatives: number,
    count: number,
    logits: number,
    pull: number,
    inverse: number,
    weight: number,
  ): number;
  /** Gradients of both vectors of pairs [from, to), from the negatives' part `gx` [to - from, d] and `pull`. */
  pairGradients(
    x: number,
    y: number,
    d: number,
    from: number,
    to: number,
    gx: number,
    pull: number,
    xLengths: number,
    yLengths: number,
    gradX: number,
    gradY: number,
    unit: 0 | 1,
  ): void;
  /** Gradients by z from those by z/|z|, in place, of `count` rows. */
  unscaleRows(g: number, u: number, lengths: number, count: number, d: number): void;
  /** y[rows[i]] += x[i] for i < count. */
  scatterRows(rows: number, count: number, x: number, y: number, d: number): void;
}
