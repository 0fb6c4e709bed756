import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createVectorIndex } from "./vector-index.ts";

const d = 4;
const matrix = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: d, maxLength: d * 12 }).map((values) => {
  return Float32Array.from(values.slice(0, values.length - (values.length % d)));
});

describe("nearest", () => {
  it("names the source with the largest weighted product, the first of equals", () => {
    fc.assert(
      fc.property(matrix, fc.array(fc.tuple(fc.nat(11), fc.integer({ min: 1, max: 4 })), { maxLength: 6 }), (vectors, drawn) => {
        const index = createVectorIndex(vectors, d);
        const sources = drawn.map(([row]) => row % index.count);
        const factors = drawn.map(([, factor]) => factor);
        const rows = Int32Array.from({ length: index.count }, (_, row) => row);
        const product = (a: number, b: number): number =>
          [0, 1, 2, 3].reduce((sum, c) => sum + vectors[a * d + c]! * vectors[b * d + c]!, 0);
        const expected = Array.from(rows, (row) => {
          const products = sources.map((source, s) => factors[s]! * product(source, row));
          return products.indexOf(Math.max(...products));
        });
        expect(Array.from(index.nearest(rows, sources, factors))).toEqual(expected);
      }),
    );
  });
});
