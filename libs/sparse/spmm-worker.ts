/** The heavy steps of propagation, of its losses and of its gradient, by ranges of rows or blocks of pairs, for the pool. */

import { placeNegatives, type SoftmaxBlocks, softmaxTask } from "#libs/sparse/softmax-block.ts";
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
    }
  | { readonly kind: "softmax-negatives" | "softmax"; readonly blocks: SoftmaxBlocks; readonly z: number; readonly index: number };

/** Moments' decay and epsilon as in Kingma and Ba, ICLR 2015. */
export const adamDefaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** Tasks answer their loss, 0 where they have none. */
export function open(input: SpmmInput): (task: SpmmTask) => number {
  const kernels = openKernels(input.memory);
  const { d, offsets, indices, values } = input;
  return (task) => {
    switch (task.kind) {
      case "spmm":
        kernels.spmm(offsets, indices, values, task.x, task.b, task.y, d, task.from, task.to);
        return 0;
      case "adam": {
        const { beta1, beta2, epsilon } = adamDefaults;
        kernels.adam(task.w, task.g, task.m, task.v, task.from * d, task.to * d, task.rate, beta1, beta2, epsilon);
        return 0;
      }
      case "softmax-negatives":
        placeNegatives(kernels, input.memory.buffer, d, task.blocks, task.z, task.index);
        return 0;
      case "softmax":
        return softmaxTask(kernels, input.memory.buffer, d, task.blocks, task.z, task.index);
    }
  };
}
