/** Exact ranking of blocks of users, for the pool. */

import { openKernels, type WasmMemory } from "#libs/sparse/wasm.ts";

export interface RankInput {
  readonly memory: WasmMemory;
  readonly d: number;
  readonly itemCount: number;
  readonly k: number;
  /** Byte offsets: user vectors, item panels, the seen items' CSR, results [users, k], [users, k] and [users]. */
  readonly users: number;
  readonly panels: number;
  readonly seenOffsets: number;
  readonly seen: number;
  readonly scores: number;
  readonly items: number;
  readonly counts: number;
}

/** Users [from, to) and a byte offset of scratch that no other task uses meanwhile. */
export interface RankTask {
  readonly from: number;
  readonly to: number;
  readonly scratch: number;
}

/** Users a kernel call ranks: their scores of a tile (256 items, 32 KiB) stay in the nearest cache. */
export const usersPerCall = 32;
/** Bytes of scratch of a task: a tile of scores and a cursor for each of its users. */
export const rankScratchBytes = usersPerCall * (256 + 1) * 4;

export function open(input: RankInput): (task: RankTask) => undefined {
  const kernels = openKernels(input.memory);
  const { k } = input;
  return ({ from, to, scratch }) => {
    for (let user = from; user < to; user += usersPerCall) {
      kernels.rankBlock(
        input.users,
        input.panels,
        input.d,
        input.itemCount,
        user,
        Math.min(to, user + usersPerCall),
        input.seenOffsets,
        input.seen,
        scratch,
        scratch + usersPerCall * 256 * 4,
        k,
        input.scores + user * k * 4,
        input.items + user * k * 4,
        input.counts + user * 4,
      );
    }
    return undefined;
  };
}
