/** One block of pairs of a sampled softmax, by the kernels; what it needs lies in shared memory. */

import type { SparseKernels } from "#libs/sparse/wasm.ts";

/** Byte offsets of what the tasks of a step share; matrices [_, d]. Pairs are cut into tasks and groups, a group is some whole tasks. */
export interface SoftmaxBlocks {
  /** Rows of z, [batch]. */
  readonly users: number;
  readonly positives: number;
  /** Rows of z, [groups, count]. */
  readonly negatives: number;
  /** Vectors of users and positives, and what they were divided by. */
  readonly x: number;
  readonly y: number;
  readonly xLengths: number;
  readonly yLengths: number;
  readonly gradX: number;
  readonly gradY: number;
  /** Vectors of the negatives, their lengths, and the same as panels of their rows and of their columns. */
  readonly negative: number;
  readonly negativeLengths: number;
  readonly negativeRows: number;
  readonly negativeColumns: number;
  /** Gradients of the negatives by each task, [tasks, count, d]. */
  readonly negativeSums: number;
  /** [tasks, pairsPerTask, count]. */
  readonly logits: number;
  /** [tasks, pairsPerTask, d + 1]. */
  readonly scratch: number;
  readonly batch: number;
  /** Negatives of a group, a multiple of 8. */
  readonly count: number;
  /** 1: cosine; 0: inner product. */
  readonly unit: 0 | 1;
  readonly pairsPerTask: number;
  readonly pairsPerGroup: number;
  /** What a product is multiplied by: one over the temperature. */
  readonly inverse: number;
}

/** Gathers the negatives of one group and lays them out for both products. */
export function placeNegatives(
  kernels: SparseKernels,
  memory: ArrayBufferLike,
  d: number,
  blocks: SoftmaxBlocks,
  z: number,
  group: number,
): void {
  const { count } = blocks;
  const from = group * count;
  const bytes = group * count * d * 4;
  kernels.gatherRows(z, blocks.negatives, from, from + count, d, blocks.negative, blocks.negativeLengths, blocks.unit);
  kernels.packRows(blocks.negative + bytes, 0, count, d, blocks.negativeRows + bytes);
  const rows = new Float32Array(memory, blocks.negative + bytes, count * d);
  const columns = new Float32Array(memory, blocks.negativeColumns + bytes, count * d);
  for (let c = 0; c < d; c++) {
    const panel = (c >> 3) * count * 8 + (c & 7);
    for (let n = 0; n < count; n++) columns[panel + n * 8] = rows[n * d + c]!;
  }
}

/** Loss and gradients of one task's pairs; answers the summed loss. d must be a multiple of 8. */
export function softmaxTask(
  kernels: SparseKernels,
  memory: ArrayBufferLike,
  d: number,
  blocks: SoftmaxBlocks,
  z: number,
  task: number,
): number {
  const { count, unit, pairsPerTask, batch, x, y } = blocks;
  const from = task * pairsPerTask;
  const to = Math.min(batch, from + pairsPerTask);
  const group = Math.floor(from / blocks.pairsPerGroup);
  const panels = group * count * d * 4;
  const logits = blocks.logits + task * pairsPerTask * count * 4;
  const pull = blocks.scratch + task * pairsPerTask * (d + 1) * 4;
  const gx = pull + pairsPerTask * 4;
  const negatives = blocks.negatives + group * count * 4;
  kernels.gatherRows(z, blocks.users, from, to, d, x, blocks.xLengths, unit);
  kernels.gatherRows(z, blocks.positives, from, to, d, y, blocks.yLengths, unit);
  kernels.multiplyPanels(x, blocks.negativeRows + panels, logits, d, from, to, 0, count / 8, count);
  const { inverse } = blocks;
  const loss = kernels.softmaxPairs(x, y, d, from, to, blocks.positives, negatives, count, logits, pull, inverse, 1 / batch);
  kernels.multiplyPanels(logits, blocks.negativeColumns + panels, gx, count, 0, to - from, 0, d / 8, d);
  const sums = blocks.negativeSums + task * count * d * 4;
  new Float32Array(memory, sums, count * d).fill(0);
  kernels.outerSum(logits, count, x + from * d * 4, d, 0, to - from, sums, 0);
  // Linear in the gradient, so it may be done task by task.
  if (unit === 1) kernels.unscaleRows(sums, blocks.negative + panels, blocks.negativeLengths + group * count * 4, count, d);
  kernels.pairGradients(x, y, d, from, to, gx, pull, blocks.xLengths, blocks.yLengths, blocks.gradX, blocks.gradY, unit);
  return loss;
}
