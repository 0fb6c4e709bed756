/** Packs epochs on a thread of its own, one ahead of the training. */

import { type PackedRows, packEpoch } from "#libs/models/sasrec/packing.ts";

export interface EpochInput {
  /** In shared memory. */
  readonly offsets: Int32Array;
  readonly length: number;
  readonly seed: number;
}

export function open({ offsets, length, seed }: EpochInput): (task: { readonly epoch: number }) => PackedRows {
  return ({ epoch }) => packEpoch({ offsets }, length, seed, epoch);
}
