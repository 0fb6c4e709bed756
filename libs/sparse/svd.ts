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
const rankTolerance = 1e-7;

export async function truncatedSvd(matrix: Csr, settings: SvdSettings, pace: Pace): Promise<Svd> {
  const d = settings.rank + settings.oversample;
  const arena = createArena();
  const work: Workbench = {
    kernels: openKernels(arena.memory),
    d,
    pace,
    square: arena.float32(d * d),
    scratch: arena.float32(Math.max(matrix.rows, matrix.columns) * d),
  };
  const forward = place(arena, matrix);
  const backward = place(arena, transpose(matrix));
  const left = arena.float32(matrix.rows * d);
  const right = arena.float32(matrix.columns * d);
  const random = createRandom(settings.seed, "svd");
  for (let i = 0; i < right.values.length; i++) {
    right.values[i] = random.normal();
    if (i % 65_536 === 0 && pace.due()) await pace.turn();
  }
  await multiply(work, forward, right, left);
  await orthonormalize(work, left);
  for (let i = 0; i < settings.iterations; i++) {
    await multiply(work, backward, left, right);
    await orthonormalize(work, right);
    await multiply(work, forward, right, left);
    await orthonormalize(work, left);
  }
  // A second pass repairs what the first, working on squares, lost to rounding.
  await orthonormalize(work, left);
  await multiply(work, backward, left, right);
  const { vectors, values } = symmetricEigen(await gram(work, right), d);
  const s = Float32Array.from({ length: settings.rank }, (_, k) => Math.sqrt(Math.max(0, values[k]!)));
  const largest = s[0] ?? 0;
  const inverse = Float64Array.from(s, (value) => (value > largest * 1e-6 ? 1 / value : 0));
  const known = inverse.map((value) => (value > 0 ? 1 : 0));
  const u = (await rotate(work, left, vectors, known)).slice();
  const v = (await rotate(work, right, vectors, inverse)).slice();
  return { rank: settings.rank, u, s, v };
}

/** What every step needs: scratch has room for the larger of the two dense matrices, square for [d, d]. */
interface Workbench {
  readonly kernels: SparseKernels;
  readonly d: number;
  readonly pace: Pace;
  readonly square: Block<Float32Array>;
  readonly scratch: Block<Float32Array>;
}

/** Rows a kernel call takes; also what is summed in 32 bits before it goes to 64. */
const rowsPerCall = 256;

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
async function multiply(work: Workbench, matrix: PlacedCsr, x: Block<Float32Array>, y: Block<Float32Array>): Promise<void> {
  const step = 2048;
  for (let from = 0; from < matrix.rows; from += step) {
    const to = Math.min(matrix.rows, from + step);
    work.kernels.spmm(matrix.offsets.at, matrix.indices.at, matrix.values.at, x.at, 0, y.at, work.d, from, to);
    if (work.pace.due()) await work.pace.turn();
  }
}

/** xᵀx of x [n, d], [d, d]: blocks of rows in 32 bits, their sum in 64. */
async function gram({ kernels, d, pace, square }: Workbench, x: Block<Float32Array>): Promise<Float64Array> {
  const result = new Float64Array(d * d);
  const rows = x.values.length / d;
  for (let from = 0; from < rows; from += rowsPerCall) {
    square.values.fill(0);
    kernels.gram(x.at, d, from, Math.min(rows, from + rowsPerCall), square.at);
    for (let i = 0; i < result.length; i++) result[i]! += square.values[i]!;
    if (pace.due()) await pace.turn();
  }
  // Both halves were summed apart; the eigenvalue solver wants them equal to the last bit.
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) result[i * d + j] = result[j * d + i]!;
  return result;
}

/** Replaces the columns of x [n, d] by an orthonormal basis of their span; columns left over become 0. */
async function orthonormalize(work: Workbench, x: Block<Float32Array>): Promise<void> {
  const { vectors, values } = symmetricEigen(await gram(work, x), work.d);
  const largest = values[0]!;
  const scale = Float64Array.from(values, (value) => (value > largest * rankTolerance ? 1 / Math.sqrt(value) : 0));
  x.values.set(await rotate(work, x, vectors, scale));
}

/** x V diag(scale) for x [n, d] and the first scale.length eigenvectors (columns of V [d, d]); valid until the next call. */
async function rotate(work: Workbench, x: Block<Float32Array>, vectors: Float64Array, scale: Float64Array): Promise<Float32Array> {
  const { kernels, d, pace, square, scratch } = work;
  const k = scale.length;
  for (let i = 0; i < d; i++) for (let j = 0; j < k; j++) square.values[i * k + j] = vectors[i * d + j]! * scale[j]!;
  const rows = x.values.length / d;
  for (let from = 0; from < rows; from += rowsPerCall) {
    kernels.multiplyDense(x.at, square.at, scratch.at, d, k, from, Math.min(rows, from + rowsPerCall));
    if (pace.due()) await pace.turn();
  }
  return scratch.values.subarray(0, rows * k);
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
