/** The kernels in plain TypeScript: what the WebAssembly ones are compared with, in double precision inside. */

import type { Csr } from "#libs/sparse/csr.ts";

/** y = matrix x + b. x is [columns, d] row-major, b and the result [rows, d]. */
export function spmmReference(matrix: Csr, x: Float32Array, d: number, b?: Float32Array): Float32Array {
  const y = new Float32Array(matrix.rows * d);
  for (let r = 0; r < matrix.rows; r++) {
    for (let c = 0; c < d; c++) {
      let sum = b === undefined ? 0 : b[r * d + c]!;
      for (let e = matrix.offsets[r]!; e < matrix.offsets[r + 1]!; e++) sum += matrix.values[e]! * x[matrix.indices[e]! * d + c]!;
      y[r * d + c] = sum;
    }
  }
  return y;
}

/** <a[aRow], b[bRow]> of two matrices [_, d]. */
export function dotRows(a: Float32Array, aRow: number, b: Float32Array, bRow: number, d: number): number {
  let sum = 0;
  for (let c = 0; c < d; c++) sum += a[aRow * d + c]! * b[bRow * d + c]!;
  return sum;
}

export interface BprTriples {
  /** Rows of z, of equal length. */
  readonly users: Int32Array;
  readonly positives: Int32Array;
  readonly negatives: Int32Array;
}

/** Summed loss -ln sigmoid(scale <z_u, z_p - z_n>) (Rendle et al., UAI 2009) and its gradient times `weight`, [nodes, d]. */
export function bprReference(
  triples: BprTriples,
  z: Float32Array,
  d: number,
  scale: number,
  weight: number,
): { loss: number; grad: Float32Array } {
  const grad = new Float32Array(z.length);
  let loss = 0;
  for (let t = 0; t < triples.users.length; t++) {
    const [u, p, n] = [triples.users[t]!, triples.positives[t]!, triples.negatives[t]!];
    const score = scale * (dotRows(z, u, z, p, d) - dotRows(z, u, z, n, d));
    loss += Math.log1p(Math.exp(-score));
    const factor = (-scale * weight) / (1 + Math.exp(score));
    for (let c = 0; c < d; c++) {
      const [zu, zp, zn] = [z[u * d + c]!, z[p * d + c]!, z[n * d + c]!];
      grad[u * d + c]! += factor * (zp - zn);
      grad[p * d + c]! += factor * zu;
      grad[n * d + c]! -= factor * zu;
    }
  }
  return { loss, grad };
}
