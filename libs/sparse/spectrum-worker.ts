/** Blocks of rows of the products behind an eigenvalue problem, for the pool. */

import { openKernels, type WasmMemory } from "#libs/sparse/wasm.ts";

/** Byte offsets of a CSR matrix. */
export interface PlacedCsr {
  readonly offsets: number;
  readonly indices: number;
  readonly values: number;
}

export interface SpectrumInput {
  readonly memory: WasmMemory;
  /** The matrix and its transpose. */
  readonly matrices: readonly [PlacedCsr, PlacedCsr];
  /** Columns of the dense matrices, a multiple of 8. */
  readonly d: number;
}

/** Byte offsets of dense matrices; rows [from, to). `gram` answers xᵀx [d, d] of its rows, on and above the diagonal. */
export type SpectrumTask =
  | { readonly kind: "spmm"; readonly matrix: 0 | 1; readonly x: number; readonly y: number; readonly from: number; readonly to: number }
  | { readonly kind: "gram"; readonly x: number; readonly square: number; readonly from: number; readonly to: number }
  | { readonly kind: "turn"; readonly x: number; readonly panels: number; readonly y: number; readonly from: number; readonly to: number };

/** Rows whose products are summed in 32 bits before they go to 64. */
const rowsPerSum = 256;

export function open(input: SpectrumInput): (task: SpectrumTask) => Float64Array | undefined {
  const kernels = openKernels(input.memory);
  const { d, matrices } = input;
  return (task) => {
    const { from, to } = task;
    if (task.kind === "spmm") {
      const { offsets, indices, values } = matrices[task.matrix];
      kernels.spmm(offsets, indices, values, task.x, 0, task.y, d, from, to);
      return undefined;
    }
    if (task.kind === "turn") {
      kernels.multiplyPanels(task.x, task.panels, task.y + from * d * 4, d, from, to, 0, d / 8, d);
      return undefined;
    }
    const sum = new Float64Array(d * d);
    const square = new Float32Array(input.memory.buffer, task.square, d * d);
    for (let row = from; row < to; row += rowsPerSum) {
      square.fill(0);
      kernels.outerSum(task.x, d, task.x, d, row, Math.min(to, row + rowsPerSum), task.square, 1);
      for (let i = 0; i < sum.length; i++) sum[i]! += square[i]!;
    }
    return sum;
  };
}
