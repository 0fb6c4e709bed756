import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "#libs/core/random.ts";
import { type Csr, createCsr, normalizedAdjacency, normalizeRows, transpose } from "#libs/sparse/csr.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { bprReference, dotRows, spmmReference } from "#libs/sparse/reference.ts";
import { symmetricEigen, truncatedSvd } from "#libs/sparse/svd.ts";
import { topK } from "#libs/sparse/top-k.ts";
import { type Arena, createArena, openKernels } from "#libs/sparse/wasm.ts";

function randomCsr(rows: number, columns: number, share: number, seed: number): Csr {
  const random = createRandom(seed, "csr");
  const offsets = [0];
  const indices: number[] = [];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) if (random.next() < share) indices.push(c);
    offsets.push(indices.length);
  }
  const values = Float32Array.from(indices, () => random.normal());
  return createCsr(rows, columns, Int32Array.from(offsets), Int32Array.from(indices), values);
}

function normals(length: number, seed: number): Float32Array {
  const random = createRandom(seed, "normals");
  return Float32Array.from({ length }, () => random.normal());
}

function expectClose(actual: Float32Array, expected: Float32Array, tolerance = 1e-4): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!));
  expect(worst).toBeLessThan(tolerance);
}

const sizes = fc.record({
  rows: fc.integer({ min: 1, max: 30 }),
  columns: fc.integer({ min: 1, max: 30 }),
  d: fc.integer({ min: 1, max: 20 }).map((n) => n * 4),
  seed: fc.nat(),
});

describe("csr", () => {
  it("transposes twice to itself", () => {
    fc.assert(
      fc.property(sizes, ({ rows, columns, seed }) => {
        const matrix = randomCsr(rows, columns, 0.3, seed);
        expect(transpose(transpose(matrix))).toEqual(matrix);
      }),
    );
  });

  it("normalises 3 and 4 to 0.6 and 0.8 and leaves empty rows", () => {
    const matrix = createCsr(2, 2, Int32Array.of(0, 2, 2), Int32Array.of(0, 1), Float32Array.of(3, 4));
    expectClose(normalizeRows(matrix).values, Float32Array.of(0.6, 0.8), 1e-6);
  });

  it("weighs an edge by one over the root of both degrees", () => {
    // User 0 has items 0 and 1, user 1 has item 1.
    const graph = normalizedAdjacency(2, 2, Int32Array.of(0, 0, 1), Int32Array.of(0, 1, 1));
    expect([...graph.offsets]).toEqual([0, 2, 3, 4, 6]);
    expect([...graph.indices]).toEqual([2, 3, 3, 0, 0, 1]);
    expectClose(graph.values, Float32Array.of(Math.SQRT1_2, 0.5, Math.SQRT1_2, Math.SQRT1_2, 0.5, Math.SQRT1_2), 1e-6);
    expect(transpose(graph)).toEqual(graph);
  });

  it("refuses a column out of range", () => {
    expect(() => createCsr(1, 1, Int32Array.of(0, 1), Int32Array.of(1), Float32Array.of(1))).toThrow("[internal]");
  });
});

describe("topK", () => {
  it("equals sorting by score, then by position, then cutting", () => {
    const score = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.float({ noNaN: true, noDefaultInfinity: true }));
    fc.assert(
      fc.property(fc.array(score, { maxLength: 60 }), fc.nat({ max: 70 }), (scores, k) => {
        const values = Float32Array.from(scores);
        const order = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b).slice(0, k);
        const top = topK(values, k);
        expect([...top.positions]).toEqual(order);
        expect([...top.scores]).toEqual(order.map((i) => values[i]!));
      }),
    );
  });

  it("never names NaN or minus infinity", () => {
    expect([...topK(Float64Array.of(Number.NaN, 1, Number.NEGATIVE_INFINITY, 2), 4).positions]).toEqual([3, 1]);
  });
});

describe("kernels", () => {
  const place = (arena: Arena, matrix: Csr) => ({
    offsets: arena.copyInt32(matrix.offsets).at,
    indices: arena.copyInt32(matrix.indices).at,
    values: arena.copyFloat32(matrix.values).at,
  });

  it("spmm equals its reference, with and without an addend, in any split of rows", () => {
    fc.assert(
      fc.property(sizes, fc.boolean(), ({ rows, columns, d, seed }, withAddend) => {
        const arena = createArena();
        const kernels = openKernels(arena.memory);
        const matrix = randomCsr(rows, columns, 0.3, seed);
        const [x, b] = [normals(columns * d, seed), normals(rows * d, seed + 1)];
        const at = place(arena, matrix);
        const y = arena.float32(rows * d);
        const [xAt, bAt] = [arena.copyFloat32(x).at, withAddend ? arena.copyFloat32(b).at : 0];
        const middle = seed % (rows + 1);
        kernels.spmm(at.offsets, at.indices, at.values, xAt, bAt, y.at, d, 0, middle);
        kernels.spmm(at.offsets, at.indices, at.values, xAt, bAt, y.at, d, middle, rows);
        expectClose(y.values, spmmReference(matrix, x, d, withAddend ? b : undefined));
      }),
      { numRuns: 40 },
    );
  });

  it("dotScan scores listed rows and keeps the larger of two queries", () => {
    const [d, rows] = [8, 5];
    const arena = createArena();
    const kernels = openKernels(arena.memory);
    const [matrix, queries] = [normals(rows * d, 1), normals(2 * d, 2)];
    const [matrixAt, queriesAt] = [arena.copyFloat32(matrix).at, arena.copyFloat32(queries).at];
    const listed = Int32Array.of(4, 0, 3);
    const scores = arena.float32(3);
    kernels.dotScan(queriesAt, matrixAt, arena.copyInt32(listed).at, 3, d, 0.5, scores.at, 0);
    kernels.dotScan(queriesAt + d * 4, matrixAt, arena.copyInt32(listed).at, 3, d, 2, scores.at, 1);
    const expected = Float32Array.from(listed, (row) =>
      Math.max(0.5 * dotRows(queries, 0, matrix, row, d), 2 * dotRows(queries, 1, matrix, row, d)),
    );
    expectClose(scores.values, expected, 1e-5);
  });

  it("dotTopK equals scanning, masking and topK, ties by the lower row", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 20 }), fc.nat(), fc.boolean(), (rows, k, seed, list) => {
        const d = 4;
        const arena = createArena();
        const kernels = openKernels(arena.memory);
        const random = createRandom(seed, "small numbers, so that ties occur");
        const matrix = Float32Array.from({ length: rows * d }, () => random.below(3) - 1);
        const query = Float32Array.of(1, 2, 0, 1);
        const mask = Uint8Array.from({ length: rows }, () => random.below(2));
        const maskBlock = arena.uint8(rows);
        maskBlock.values.set(mask);
        const listed = Int32Array.from([...mask.keys()].filter((row) => mask[row] === 1));
        const [ids, scores] = [arena.int32(k), arena.float32(k)];
        const found = kernels.dotTopK(
          arena.copyFloat32(query).at,
          arena.copyFloat32(matrix).at,
          list ? arena.copyInt32(listed).at : 0,
          list ? 0 : maskBlock.at,
          list ? listed.length : rows,
          d,
          k,
          scores.at,
          ids.at,
        );
        const all = Float32Array.from(mask, (bit, row) => (bit === 1 ? dotRows(query, 0, matrix, row, d) : Number.NEGATIVE_INFINITY));
        const expected = topK(all, k);
        expect(found).toBe(expected.positions.length);
        expect(new Set(ids.values.subarray(0, found))).toEqual(new Set(expected.positions));
      }),
    );
  });

  it("bpr equals its reference, whose gradient equals finite differences", () => {
    const [d, nodes] = [4, 5];
    const z = normals(nodes * d, 3);
    const triples = { users: Int32Array.of(0, 1, 0), positives: Int32Array.of(2, 3, 4), negatives: Int32Array.of(3, 2, 2) };
    const arena = createArena();
    const kernels = openKernels(arena.memory);
    const grad = arena.float32(nodes * d);
    const [u, p, n] = [triples.users, triples.positives, triples.negatives].map((column) => arena.copyInt32(column).at);
    const loss = kernels.bpr(u!, p!, n!, 0, 3, arena.copyFloat32(z).at, grad.at, d, 0.5, 1);
    const reference = bprReference(triples, z, d, 0.5, 1);
    expect(loss).toBeCloseTo(reference.loss, 5);
    expectClose(grad.values, reference.grad, 1e-5);
    for (const i of [0, 5, 9, 13, 18]) {
      const [up, down] = [z.slice(), z.slice()];
      up[i]! += 1e-2;
      down[i]! -= 1e-2;
      const slope = (bprReference(triples, up, d, 0.5, 1).loss - bprReference(triples, down, d, 0.5, 1).loss) / (up[i]! - down[i]!);
      expect(slope).toBeCloseTo(reference.grad[i]!, 3);
    }
  });

  it("adam's first step moves each value by the rate against its gradient's sign", () => {
    const arena = createArena();
    const kernels = openKernels(arena.memory);
    const w = arena.copyFloat32(Float32Array.of(1, 1, 1, 1));
    const g = arena.copyFloat32(Float32Array.of(3, -0.5, 0, 10));
    const [m, v] = [arena.float32(4), arena.float32(4)];
    // Bias correction of step 1: rate * sqrt(1 - 0.999) / (1 - 0.9).
    kernels.adam(w.at, g.at, m.at, v.at, 0, 4, (0.1 * Math.sqrt(0.001)) / 0.1, 0.9, 0.999, 1e-12);
    expectClose(w.values, Float32Array.of(0.9, 1.1, 1, 0.9), 1e-5);
  });

  it("addRows adds a row as often as it is listed", () => {
    const arena = createArena();
    const x = arena.copyFloat32(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const y = arena.float32(8);
    openKernels(arena.memory).addRows(arena.copyInt32(Int32Array.of(1, 1)).at, 2, x.at, y.at, 4, 0.5);
    expect([...y.values]).toEqual([0, 0, 0, 0, 5, 6, 7, 8]);
  });
});

describe("svd", () => {
  const pace = createPace(new AbortController().signal);
  const settings = { rank: 4, oversample: 8, iterations: 4, seed: 1 };

  it("finds the eigenpairs of a matrix worked by hand", () => {
    // [[2, 1], [1, 2]]: 3 along (1, 1), 1 along (1, -1).
    const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
    expect(values[0]).toBeCloseTo(3, 10);
    expect(values[1]).toBeCloseTo(1, 10);
    expect(vectors[0]).toBeCloseTo(Math.SQRT1_2, 10);
    expect(vectors[2]).toBeCloseTo(Math.SQRT1_2, 10);
  });

  it("agrees with the exact singular values and reproduces a matrix of low rank", async () => {
    const [rows, columns, rank] = [40, 30, 3];
    const [left, right] = [normals(rows * rank, 1), normals(columns * rank, 2)];
    const dense = new Float32Array(rows * columns);
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) dense[r * columns + c] = dotRows(left, r, right, c, rank);
    const offsets = Int32Array.from({ length: rows + 1 }, (_, r) => r * columns);
    const matrix = createCsr(
      rows,
      columns,
      offsets,
      Int32Array.from(dense, (_, i) => i % columns),
      dense,
    );
    const { u, s, v } = await truncatedSvd(matrix, settings, pace);
    const scaled = Float32Array.from(u, (value, i) => value * s[i % 4]!);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) expect(dotRows(scaled, r, v, c, 4)).toBeCloseTo(dense[r * columns + c]!, 2);
    }
    expect(s[3]).toBeLessThan(s[0]! * 1e-3);
  });

  it("gets the leading singular values of a full-rank matrix right", async () => {
    const matrix = randomCsr(60, 40, 0.2, 5);
    const exact = new Float64Array(40 * 40);
    const eye = Float32Array.from({ length: 40 * 40 }, (_, i) => (i % 41 === 0 ? 1 : 0));
    const square = spmmReference(transpose(matrix), spmmReference(matrix, eye, 40), 40);
    exact.set(square);
    const { values } = symmetricEigen(exact, 40);
    const { s } = await truncatedSvd(matrix, { ...settings, iterations: 10 }, pace);
    for (let k = 0; k < 3; k++) expect(s[k]!).toBeCloseTo(Math.sqrt(values[k]!), 2);
  });
});
