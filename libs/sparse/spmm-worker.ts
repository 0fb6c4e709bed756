/** The heavy steps of propagation and of its gradient, by ranges of rows, for the pool. */

import { openKernels, type WasmMemory } from "#libs/sparse/wasm.ts";

export interface SpmmInput {
  readonly memory: WasmMemory;
  /** Byte offsets of the matrix. */
  readonly offsets: number;
  readonly indices: number;
  readonly values: number;
  /** Columns of the dense matrices, a multiple of 4. */
  readonly d: number;
}

/** Byte offsets of dense matrices; rows [from, to). */
export type SpmmTask =
  | { readonly kind: "spmm"; readonly x: number; readonly b: number; readonly y: number; readonly from: number; readonly to: number }
  | {
      readonly kind: "adam";
      readonly w: number;
      readonly g: number;
      readonly m: number;
      readonly v: number;
      readonly rate: number;
      readonly from: number;
      readonly to: number;
    };

/** Moments' decay and epsilon as in Kingma and Ba, ICLR 2015. */
export const adamDefaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

export function open(input: SpmmInput): (task: SpmmTask) => undefined {
  const kernels = openKernels(input.memory);
  const { d, offsets, indices, values } = input;
  return (task) => {
    if (task.kind === "spmm") {
      kernels.spmm(offsets, indices, values, task.x, task.b, task.y, d, task.from, task.to);
    } else {
      const { beta1, beta2, epsilon } = adamDefaults;
      kernels.adam(task.w, task.g, task.m, task.v, task.from * d, task.to * d, task.rate, beta1, beta2, epsilon);
    }
    return undefined;
  };
}
