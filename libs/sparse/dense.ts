/** Dense symmetric matrices by tiles, and their inverse by worker threads with WebAssembly kernels. */

import { ModisteError } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import { type DenseInput, type DenseTask, open } from "#libs/sparse/dense-worker.ts";
import { createPool } from "#libs/sparse/pool.ts";
import { type Arena, createArena } from "#libs/sparse/wasm.ts";

/** Rows and columns of a tile. */
export const tileSide = 64;
const tileLength = tileSide * tileSide;

/** What one arena of 4 GiB holds. */
export const symmetricSizeMax = 40_000;

/**
 * The lower triangle of a symmetric f32 matrix [n, n] in tiles of 64 x 64: tile (I, J), J <= I, is the (I (I + 1) / 2 + J)th, row-major;
 * tiles of the diagonal are whole. Rows past n, up to the next 64, are those of the identity. 2 n² bytes: 0.8 GB at 20,000.
 */
export interface SymmetricMatrix {
  readonly n: number;
  /** Rows of tiles. */
  readonly blocks: number;
  readonly tiles: Float32Array;
  readonly tilesAt: number;
  readonly arena: Arena;
}

/** Zeros. Throws `invalid_argument` for a size that memory cannot hold. */
export function createSymmetric(n: number): SymmetricMatrix {
  if (!(n >= 0 && n <= symmetricSizeMax)) {
    throw new ModisteError("invalid_argument", "matrix_too_large", `a dense matrix of ${n} rows; at most ${symmetricSizeMax} fit`);
  }
  const blocks = Math.ceil(n / tileSide);
  const arena = createArena();
  const { values: tiles, at: tilesAt } = arena.float32(((blocks * (blocks + 1)) / 2) * tileLength);
  const matrix = { n, blocks, tiles, tilesAt, arena };
  for (let i = n; i < blocks * tileSide; i++) tiles[placeOf(i, i)] = 1;
  return matrix;
}

/** Where element (i, j), j's tile not right of i's, stands in `tiles`. */
export function placeOf(i: number, j: number): number {
  const [row, column] = [i >> 6, j >> 6];
  return (((row * (row + 1)) >> 1) + column) * tileLength + ((i & 63) << 6) + (j & 63);
}

/** Row i of the matrix, all n columns, into `row`. O(n). */
export function readRow({ n, tiles }: SymmetricMatrix, i: number, row: Float32Array): void {
  const end = Math.min(n, ((i >> 6) + 1) << 6);
  for (let j = 0; j < end; j++) row[j] = tiles[placeOf(i, j)]!;
  for (let j = end; j < n; j++) row[j] = tiles[placeOf(j, i)]!;
}

/**
 * Puts the inverse in place of a positive definite matrix, by block sweeps without pivots (Goodnight, The American Statistician 33(3), 1979;
 * tiles of 64 as pivots, their inverses in 64 bits). n³ floating point operations in 32 bits, over `threads` workers (0: on this thread).
 * Deterministic for any number of threads. Throws `failed_precondition` when a pivot tile is not positive definite, `cancelled` when aborted.
 */
export async function invertSymmetric(matrix: SymmetricMatrix, threads: number, progress: Progress, signal: AbortSignal): Promise<void> {
  const { blocks, tiles, tilesAt, arena } = matrix;
  const panels = arena.float32(2 * blocks * tileLength);
  const pivot = arena.float32(tileLength);
  const input: DenseInput = {
    memory: arena.memory,
    blocks,
    tiles: tilesAt,
    columns: panels.at,
    products: panels.at + blocks * tileLength * 4,
    pivot: pivot.at,
  };
  const module = new URL("./dense-worker.ts", import.meta.url);
  const pool = createPool<DenseInput, DenseTask, undefined>({ threads, module, open, input, signal });
  const ranges = evenRows(blocks, pool.threads * 2);
  const all = (kind: DenseTask["kind"], block: number): Promise<unknown> =>
    Promise.all(ranges.map(([from, to]) => pool.run({ kind, block, from, to })));
  try {
    for (let block = 0; block < blocks; block++) {
      const at = placeOf(block * tileSide, block * tileSide);
      pivot.values.set(invertTile(tiles.subarray(at, at + tileLength)));
      await all("panel", block);
      await all("update", block);
      for (let e = 0; e < tileLength; e++) tiles[at + e] = -pivot.values[e]!;
      progress({ step: "inverting", done: block + 1, total: blocks, unit: "blocks of 64" });
    }
  } finally {
    await pool.close();
  }
  for (let e = 0; e < tiles.length; e++) tiles[e] = -tiles[e]!;
}

/** Ranges of tile rows with about the same number of tiles of the lower triangle. */
function evenRows(blocks: number, parts: number): [number, number][] {
  const ranges: [number, number][] = [];
  let from = 0;
  for (let part = 1; part <= parts; part++) {
    const to = part === parts ? blocks : Math.round(blocks * Math.sqrt(part / parts));
    if (to > from) ranges.push([from, to]);
    from = Math.max(from, to);
  }
  return ranges;
}

/** Gauss-Jordan in 64 bits without pivoting, as the tile must be positive definite. */
function invertTile(tile: Float32Array): Float64Array {
  const a = Float64Array.from(tile);
  for (let k = 0; k < tileSide; k++) {
    const pivot = a[k * tileSide + k]!;
    if (!(pivot > 0)) throw new ModisteError("failed_precondition", "not_positive_definite", "the matrix is not positive definite");
    a[k * tileSide + k] = 1;
    for (let j = 0; j < tileSide; j++) a[k * tileSide + j]! /= pivot;
    for (let i = 0; i < tileSide; i++) {
      if (i === k) continue;
      const factor = a[i * tileSide + k]!;
      a[i * tileSide + k] = 0;
      for (let j = 0; j < tileSide; j++) a[i * tileSide + j]! -= factor * a[k * tileSide + j]!;
    }
  }
  return a;
}
