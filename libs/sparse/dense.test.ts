import { describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import { createSymmetric, invertSymmetric, placeOf, readRow, type SymmetricMatrix, symmetricSizeMax } from "#libs/sparse/dense.ts";

/** xᵀx of random x [2n, n], plus the identity. */
function positiveDefinite(n: number): { readonly matrix: SymmetricMatrix; readonly rows: number[][] } {
  const random = createRandom(3, `dense ${n}`);
  const x = Array.from({ length: 2 * n }, () => Array.from({ length: n }, () => random.normal()));
  const matrix = createSymmetric(n);
  const rows = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => x.reduce((sum, row) => sum + row[i]! * row[j]!, i === j ? 1 : 0)),
  );
  // As callers must: whole tiles of the diagonal, and all left of them.
  rows.forEach((row, i) => {
    for (let j = 0; j < Math.min(n, ((i >> 6) + 1) << 6); j++) matrix.tiles[placeOf(i, j)] = row[j]!;
  });
  return { matrix, rows };
}

const invert = (matrix: SymmetricMatrix, threads = 0): Promise<void> =>
  invertSymmetric(matrix, threads, noProgress, new AbortController().signal);

describe("inverse of a symmetric matrix", () => {
  it.each([1, 63, 64, 65, 200])("times the matrix is the identity, at size %i", async (n) => {
    const { matrix, rows } = positiveDefinite(n);
    await invert(matrix);
    const inverse = new Float32Array(n);
    for (let i = 0; i < n; i++) {
      readRow(matrix, i, inverse);
      for (let j = 0; j < n; j++) {
        const product = rows[j]!.reduce((sum, value, k) => sum + value * inverse[k]!, 0);
        expect(Math.abs(product - (i === j ? 1 : 0))).toBeLessThan(2e-4);
      }
    }
  });

  it("is the same to the bit for any number of threads", async () => {
    const [one, two] = [positiveDefinite(300).matrix, positiveDefinite(300).matrix];
    await invert(one);
    await invert(two, 2);
    expect(Buffer.from(one.tiles.slice().buffer).equals(Buffer.from(two.tiles.slice().buffer))).toBe(true);
  });

  it("refuses what is not positive definite, and sizes beyond memory; stops when aborted", async () => {
    await expect(invert(createSymmetric(3))).rejects.toMatchObject({ code: "failed_precondition", reason: "not_positive_definite" });
    expect(() => createSymmetric(symmetricSizeMax + 1)).toThrow(/40001 rows/);
    const { matrix } = positiveDefinite(5);
    await expect(invertSymmetric(matrix, 0, noProgress, AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
  });
});
