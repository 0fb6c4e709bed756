/** Exact search by dot product over a matrix held in WebAssembly memory: all rows are scanned. 50 k rows of 64 take about a millisecond. */

import { assert } from "#libs/core/errors.ts";
import { sortTop, type Top } from "#libs/sparse/top-k.ts";
import { createArena, openKernels } from "#libs/sparse/wasm.ts";

export interface VectorIndex {
  readonly count: number;
  readonly d: number;
  /** Row-major [count, d], not to be changed. */
  readonly vectors: Float32Array;
  /** The k rows with the largest product, best first, ties by the lower row; without those of `excluded`. `rows` null: among all. */
  top(query: Float32Array, k: number, rows: Int32Array | null, excluded: Iterable<number>): Top;
  /** The largest of weight * <query, row> over several queries, for each of `rows` (null: all); valid until the next call. */
  best(queries: readonly WeightedQuery[], rows: Int32Array | null): Float32Array;
  /** For each of `rows` the position in `sources` (rows, too) with the largest factor * <source, row>, the first of equals; -1 without sources. */
  nearest(rows: Int32Array, sources: ArrayLike<number>, factors: ArrayLike<number>): Int32Array;
}

export interface WeightedQuery {
  readonly vector: Float32Array;
  readonly weight: number;
}

/** Copies `vectors` [count, d]; d a multiple of 4. One request at a time (calls are synchronous). */
export function createVectorIndex(vectors: Float32Array, d: number): VectorIndex {
  assert(d > 0 && d % 4 === 0 && vectors.length % d === 0, "vector index: vectors must be [count, d], d a multiple of 4");
  const count = vectors.length / d;
  const arena = createArena();
  const kernels = openKernels(arena.memory);
  const matrix = arena.copyFloat32(vectors);
  const vector = arena.float32(d);
  const mask = arena.uint8(count);
  mask.values.fill(1);
  const listed = arena.int32(count);
  const scores = arena.float32(count);
  const topIds = arena.int32(count);

  const place = (query: Float32Array, rows: Int32Array | null): void => {
    assert(query.length === d, `vector index: a query must have ${d} values`);
    vector.values.set(query);
    if (rows !== null) listed.values.set(rows);
  };
  return {
    count,
    d,
    vectors: matrix.values,
    top: (query, k, rows, excluded) => {
      place(query, rows);
      const hidden = [...excluded];
      for (const row of hidden) mask.values[row] = 0;
      const rowsAt = rows === null ? 0 : listed.at;
      const most = Math.min(k, count);
      const size = rows === null ? count : rows.length;
      const found = most === 0 ? 0 : kernels.dotTopK(vector.at, matrix.at, rowsAt, mask.at, size, d, most, scores.at, topIds.at);
      for (const row of hidden) mask.values[row] = 1;
      return sortTop(topIds.values.slice(0, found), scores.values.slice(0, found));
    },
    best: (queries, rows) => {
      const size = rows === null ? count : rows.length;
      queries.forEach((query, q) => {
        place(query.vector, q === 0 ? rows : null);
        kernels.dotScan(vector.at, matrix.at, rows === null ? 0 : listed.at, size, d, query.weight, scores.at, q === 0 ? 0 : 1);
      });
      return scores.values.subarray(0, size);
    },
    nearest: (rows, sources, factors) => {
      const positions = new Int32Array(rows.length).fill(-1);
      const most = new Float32Array(rows.length).fill(Number.NEGATIVE_INFINITY);
      listed.values.set(rows);
      for (let s = 0; s < sources.length; s++) {
        const from = matrix.at + sources[s]! * d * Float32Array.BYTES_PER_ELEMENT;
        kernels.dotScan(from, matrix.at, listed.at, rows.length, d, factors[s]!, scores.at, 0);
        for (let r = 0; r < rows.length; r++) {
          if (scores.values[r]! <= most[r]!) continue;
          most[r] = scores.values[r]!;
          positions[r] = s;
        }
      }
      return positions;
    },
  };
}
