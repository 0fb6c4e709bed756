/**
 * Truncated singular value decomposition of a sparse matrix by random projection and subspace iteration:
 * Halko, Martinsson and Tropp, SIAM Review 53(2), 2011, algorithms 4.4 and 5.1, with orthonormal bases taken
 * from the eigenvectors of Gram matrices, which copes with matrices of lower rank than asked for.
 */

import { createRandom } from "#libs/core/random.ts";
import { type Csr, transpose } from "#libs/sparse/csr.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { type Arena, type Block, createArena, openKernels, type SparseKernels } from "#libs/sparse/wasm.ts";

export interface SvdSettings {
  /** Singular triples wanted; a multiple of 4. */
  readonly rank: number;
  /** Extra random directions; rank + oversample must be a multiple of 4. 5 to 10 suffice by the paper. */
  readonly oversample: number;
  /** Subspace iterations; 2 suffice for slowly falling spectra such as text. */
  readonly iterations: number;
  readonly seed: number;
}

export interface Svd {
  readonly rank: number;
  /** [rows, rank] row-major, orthonormal columns; columns past the matrix's own rank are 0. */
  readonly u: Float32Array;
  /** Descending, [rank]. */
  readonly s: Float32Array;
  /** [columns, rank] row-major. */
  readonly v: Float32Array;
}

/** Directions whose eigenvalue is below this share of the largest are noise of 32-bit sums. */
const rankTolerance = 1e-9;

export async function truncatedSvd(matrix: Csr, settings: SvdSettings, pace: Pace): Promise<Svd> {
  const d = settings.rank + settings.oversample;
  const arena = createArena();
  const kernels = openKernels(arena.memory);
  const forward = place(arena, matrix);
  const backward = place(arena, transpose(matrix));
  const left = arena.float32(matrix.rows * d);
  const right = arena.float32(matrix.columns * d);
  const random = createRandom(settings.seed, "svd");
  for (let i = 0; i < right.values.length; i++) right.values[i] = random.normal();

  await multiply(kernels, forward, right, left, d, pace);
  await orthonormalize(left.values, d, pace);
  for (let i = 0; i < settings.iterations; i++) {
    await multiply(kernels, backward, left, right, d, pace);
    await orthonormalize(right.values, d, pace);
    await multiply(kernels, forward, right, left, d, pace);
    await orthonormalize(left.values, d, pace);
  }
  // A second pass repairs what the first, working on squares, lost to rounding.
  await orthonormalize(left.values, d, pace);
  await multiply(kernels, backward, left, right, d, pace);
  const { vectors, values } = symmetricEigen(await gram(right.values, d, pace), d);
  const s = Float32Array.from({ length: settings.rank }, (_, k) => Math.sqrt(Math.max(0, values[k]!)));
  const largest = s[0] ?? 0;
  const inverse = Float64Array.from(s, (value) => (value > largest * 1e-6 ? 1 / value : 0));
  const u = await rotate(
    left.values,
    d,
    vectors,
    Float64Array.from(inverse, (x) => (x > 0 ? 1 : 0)),
    pace,
  );
  const v = await rotate(right.values, d, vectors, inverse, pace);
  return { rank: settings.rank, u, s, v };
}

interface PlacedCsr {
  readonly rows: number;
  readonly offsets: Block<Int32Array>;
  readonly indices: Block<Int32Array>;
  readonly values: Block<Float32Array>;
}

function place(arena: Arena, matrix: Csr): PlacedCsr {
  return {
    rows: matrix.rows,
    offsets: arena.copyInt32(matrix.offsets),
    indices: arena.copyInt32(matrix.indices),
    values: arena.copyFloat32(matrix.values),
  };
}

/** y = matrix x, a few thousand rows a turn. */
async function multiply(
  kernels: SparseKernels,
  matrix: PlacedCsr,
  x: Block<Float32Array>,
  y: Block<Float32Array>,
  d: number,
  pace: Pace,
): Promise<void> {
  const step = 2048;
  for (let from = 0; from < matrix.rows; from += step) {
    const to = Math.min(matrix.rows, from + step);
    kernels.spmm(matrix.offsets.at, matrix.indices.at, matrix.values.at, x.at, 0, y.at, d, from, to);
    if (pace.due()) await pace.turn();
  }
}

/** xᵀx of x [n, d], in double precision, [d, d]. */
async function gram(x: Float32Array, d: number, pace: Pace): Promise<Float64Array> {
  const result = new Float64Array(d * d);
  const rows = x.length / d;
  for (let r = 0; r < rows; r++) {
    const base = r * d;
    for (let i = 0; i < d; i++) {
      const value = x[base + i]!;
      if (value === 0) continue;
      const out = i * d;
      for (let j = i; j < d; j++) result[out + j]! += value * x[base + j]!;
    }
    if (r % 256 === 0 && pace.due()) await pace.turn();
  }
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) result[i * d + j] = result[j * d + i]!;
  return result;
}

/** Replaces the columns of x [n, d] by an orthonormal basis of their span; columns left over become 0. */
async function orthonormalize(x: Float32Array, d: number, pace: Pace): Promise<void> {
  const { vectors, values } = symmetricEigen(await gram(x, d, pace), d);
  const largest = values[0]!;
  const scale = Float64Array.from(values, (value) => (value > largest * rankTolerance ? 1 / Math.sqrt(value) : 0));
  x.set(await rotate(x, d, vectors, scale, pace));
}

/** x V diag(scale) for x [n, d] and the first scale.length eigenvectors (columns of V [d, d]). */
async function rotate(x: Float32Array, d: number, vectors: Float64Array, scale: Float64Array, pace: Pace): Promise<Float32Array> {
  const k = scale.length;
  const rows = x.length / d;
  const result = new Float32Array(rows * k);
  const row = new Float64Array(k);
  for (let r = 0; r < rows; r++) {
    row.fill(0);
    for (let i = 0; i < d; i++) {
      const value = x[r * d + i]!;
      for (let j = 0; j < k; j++) row[j]! += value * vectors[i * d + j]!;
    }
    for (let j = 0; j < k; j++) result[r * k + j] = row[j]! * scale[j]!;
    if (r % 256 === 0 && pace.due()) await pace.turn();
  }
  return result;
}

export interface Eigen {
  /** Descending, [n]. */
  readonly values: Float64Array;
  /** Columns are the eigenvectors, [n, n] row-major; each column's largest entry is positive. */
  readonly vectors: Float64Array;
}

/** All eigenpairs of a symmetric matrix [n, n] by cyclic Jacobi rotations (Golub and Van Loan, section 8.5). O(n³) a sweep. */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < 40; sweep++) {
    let off = 0;
    let diagonal = 0;
    for (let i = 0; i < n; i++) {
      diagonal += a[i * n + i]! ** 2;
      for (let j = i + 1; j < n; j++) off += a[i * n + j]! ** 2;
    }
    if (off <= diagonal * 1e-24) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) jacobiRotate(a, v, n, p, q);
  }
  return sortEigen(a, v, n);
}

function jacobiRotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q]!;
  if (apq === 0) return;
  const tau = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
  const c = 1 / Math.sqrt(1 + t * t);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const kp = a[k * n + p]!;
    const kq = a[k * n + q]!;
    a[k * n + p] = c * kp - s * kq;
    a[k * n + q] = s * kp + c * kq;
  }
  for (let k = 0; k < n; k++) {
    const pk = a[p * n + k]!;
    const qk = a[q * n + k]!;
    a[p * n + k] = c * pk - s * qk;
    a[q * n + k] = s * pk + c * qk;
    const vp = v[k * n + p]!;
    const vq = v[k * n + q]!;
    v[k * n + p] = c * vp - s * vq;
    v[k * n + q] = s * vp + c * vq;
  }
}

function sortEigen(a: Float64Array, v: Float64Array, n: number): Eigen {
  const order = Array.from({ length: n }, (_, i) => i).sort((x, y) => a[y * n + y]! - a[x * n + x]!);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    let extreme = 0;
    for (let k = 0; k < n; k++) if (Math.abs(v[k * n + from]!) > Math.abs(extreme)) extreme = v[k * n + from]!;
    const sign = extreme < 0 ? -1 : 1;
    for (let k = 0; k < n; k++) vectors[k * n + to] = sign * v[k * n + from]!;
  });
  return { values: Float64Array.from(order, (i) => a[i * n + i]!), vectors };
}
