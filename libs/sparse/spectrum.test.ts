import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "#libs/core/random.ts";
import { type Csr, createCsr } from "#libs/sparse/csr.ts";
import { inverseCholesky, openGramOperator } from "#libs/sparse/spectrum.ts";
import { symmetricEigen } from "#libs/sparse/svd.ts";

const signal = new AbortController().signal;

function randomCsr(rows: number, columns: number, seed: number): Csr {
  const random = createRandom(seed, "spectrum test");
  const offsets = [0];
  const indices: number[] = [];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) if (random.next() < 0.3) indices.push(c);
    offsets.push(indices.length);
  }
  return createCsr(
    rows,
    columns,
    Int32Array.from(offsets),
    Int32Array.from(indices),
    Float32Array.from(indices, () => random.next()),
  );
}

/** MᵀM, [columns, columns]. */
function squareOf({ rows, columns, offsets, indices, values }: Csr): Float64Array {
  const square = new Float64Array(columns * columns);
  for (let r = 0; r < rows; r++) {
    for (let e = offsets[r]!; e < offsets[r + 1]!; e++) {
      for (let f = offsets[r]!; f < offsets[r + 1]!; f++) square[indices[e]! * columns + indices[f]!]! += values[e]! * values[f]!;
    }
  }
  return square;
}

describe("leading eigenpairs of MᵀM", () => {
  it("agree with the exact ones, whatever the threads", async () => {
    const matrix = randomCsr(60, 40, 7);
    const exact = symmetricEigen(squareOf(matrix), 40);
    const one = openGramOperator(matrix, 24, 0, signal);
    const two = openGramOperator(matrix, 24, 2, signal);
    const spectrum = await one.spectrum(8, 12, 1);
    expect(await two.spectrum(8, 12, 1)).toEqual(spectrum);
    for (let k = 0; k < 4; k++) {
      expect(spectrum.values[k]! / exact.values[k]!).toBeCloseTo(1, 3);
      let cosine = 0;
      for (let i = 0; i < 40; i++) cosine += spectrum.vectors[i * 8 + k]! * exact.vectors[i * 40 + k]!;
      expect(Math.abs(cosine)).toBeGreaterThan(0.99);
    }
    await one.close();
    await two.close();
  });

  it("are zero past the matrix's own rank", async () => {
    // Every row is the same: rank 1, eigenvalue 6 * 3.
    const matrix = createCsr(
      6,
      3,
      Int32Array.from({ length: 7 }, (_, r) => r * 3),
      Int32Array.from({ length: 18 }, (_, e) => e % 3),
      new Float32Array(18).fill(1),
    );
    const operator = openGramOperator(matrix, 8, 0, signal);
    const { values, vectors } = await operator.spectrum(4, 2, 1);
    expect([...values].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([18, 0, 0, 0]);
    expect(Math.abs(vectors[0]!)).toBeCloseTo(Math.sqrt(1 / 3), 4);
    expect([vectors[1], vectors[6], vectors[11]]).toEqual([0, 0, 0]);
    const product = await operator.apply(Float32Array.of(1, 0, 2), 1);
    expect([...product]).toEqual([18, 18, 18]);
    await operator.close();
  });

  it("inverseCholesky makes columns orthonormal", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(), (n, seed) => {
        const random = createRandom(seed, "square");
        const x = Float64Array.from({ length: 30 * n }, () => random.normal());
        const square = new Float64Array(n * n);
        for (let r = 0; r < 30; r++)
          for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) square[i * n + j]! += x[r * n + i]! * x[r * n + j]!;
        const w = inverseCholesky(square, n);
        for (let a = 0; a < n; a++) {
          for (let b = 0; b < n; b++) {
            let sum = 0;
            for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) sum += w[i * n + a]! * square[i * n + j]! * w[j * n + b]!;
            expect(sum).toBeCloseTo(a === b ? 1 : 0, 8);
          }
        }
      }),
    );
  });
});
