/** Sparse matrices in compressed sparse row form. */

import { assert } from "#libs/core/errors.ts";

/** Row r's stored entries are [offsets[r], offsets[r + 1]). */
export interface Csr {
  readonly rows: number;
  readonly columns: number;
  /** [rows + 1]. */
  readonly offsets: Int32Array;
  /** Column of each entry, [entries]. */
  readonly indices: Int32Array;
  /** [entries]. */
  readonly values: Float32Array;
}

/** Throws `internal` when lengths, offsets or indices do not fit together. O(rows + entries). */
export function createCsr(rows: number, columns: number, offsets: Int32Array, indices: Int32Array, values: Float32Array): Csr {
  assert(offsets.length === rows + 1 && offsets[0] === 0, "csr: offsets must be [rows + 1] and start at 0");
  assert(offsets[rows] === indices.length && indices.length === values.length, "csr: offsets, indices and values differ in length");
  for (let r = 0; r < rows; r++) assert(offsets[r + 1]! >= offsets[r]!, "csr: offsets descend");
  for (const column of indices) assert(column >= 0 && column < columns, "csr: a column is out of range");
  return { rows, columns, offsets, indices, values };
}

/** Counts per key, summed up: offsets of a counting sort, [keyCount + 1]. */
export function countOffsets(keys: Int32Array, keyCount: number): Int32Array {
  const offsets = new Int32Array(keyCount + 1);
  for (const key of keys) offsets[key + 1]!++;
  for (let k = 0; k < keyCount; k++) offsets[k + 1]! += offsets[k]!;
  return offsets;
}

/** Entries of a row stay ascending by the old row. O(rows + columns + entries). */
export function transpose(matrix: Csr): Csr {
  const offsets = countOffsets(matrix.indices, matrix.columns);
  const next = offsets.slice(0, matrix.columns);
  const indices = new Int32Array(matrix.indices.length);
  const values = new Float32Array(matrix.indices.length);
  for (let r = 0; r < matrix.rows; r++) {
    for (let e = matrix.offsets[r]!; e < matrix.offsets[r + 1]!; e++) {
      const at = next[matrix.indices[e]!]!++;
      indices[at] = r;
      values[at] = matrix.values[e]!;
    }
  }
  return { rows: matrix.columns, columns: matrix.rows, offsets, indices, values };
}

/** Rows scaled to Euclidean length 1; rows of zeros stay. */
export function normalizeRows(matrix: Csr): Csr {
  const values = matrix.values.slice();
  for (let r = 0; r < matrix.rows; r++) {
    let square = 0;
    for (let e = matrix.offsets[r]!; e < matrix.offsets[r + 1]!; e++) square += values[e]! ** 2;
    if (square === 0) continue;
    const factor = 1 / Math.sqrt(square);
    for (let e = matrix.offsets[r]!; e < matrix.offsets[r + 1]!; e++) values[e]! *= factor;
  }
  return { ...matrix, values };
}

/**
 * The symmetric adjacency matrix of a two-sided graph, [left + right, left + right], with values 1/sqrt(deg(row) deg(column)):
 * D^-1/2 A D^-1/2 of LightGCN (He et al., SIGIR 2020, equation 3). Right node r is node left + r. Edges must not repeat.
 */
export function normalizedAdjacency(left: number, right: number, lefts: Int32Array, rights: Int32Array): Csr {
  const nodes = left + right;
  const offsets = new Int32Array(nodes + 1);
  for (let e = 0; e < lefts.length; e++) {
    offsets[lefts[e]! + 1]!++;
    offsets[left + rights[e]! + 1]!++;
  }
  for (let n = 0; n < nodes; n++) offsets[n + 1]! += offsets[n]!;
  const next = offsets.slice(0, nodes);
  const indices = new Int32Array(lefts.length * 2);
  const values = new Float32Array(lefts.length * 2);
  for (let e = 0; e < lefts.length; e++) {
    const a = lefts[e]!;
    const b = left + rights[e]!;
    const value = 1 / Math.sqrt((offsets[a + 1]! - offsets[a]!) * (offsets[b + 1]! - offsets[b]!));
    const atA = next[a]!++;
    const atB = next[b]!++;
    indices[atA] = b;
    indices[atB] = a;
    values[atA] = value;
    values[atB] = value;
  }
  return { rows: nodes, columns: nodes, offsets, indices, values };
}
