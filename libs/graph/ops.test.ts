/** Shapes: what is refused and how, broadcasting by its definition, sizes known at run time only. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openExecutor } from "./executors/executor.ts";
import { createGraph, gradients } from "./graph.ts";
import * as ops from "./ops.ts";
import { constant, input, parameter, type Shape, type Tensor } from "./tensor.ts";

const of = (...shape: Shape): Tensor => input("x", shape);
const ints = (...shape: Shape): Tensor => input("i", shape, "int");

describe("shapes that do not fit are refused when the graph is built", () => {
  const cases: readonly (readonly [string, () => Tensor, string])[] = [
    ["add", () => ops.add(of(2, 3), of(2)), "add of [2, 3] and [2]: expected shapes that broadcast; they differ in axis 1"],
    ["add of names", () => ops.mul(of("batch", 3), of("items", 3)), "mul of [batch, 3] and [items, 3]"],
    ["add of ints", () => ops.add(ints(2), of(2)), "add of int [2] and [2]: expected 2 float tensors"],
    ["exp of ints", () => ops.exp(ints(2)), "exp of int [2]: expected 1 float tensor"],
    ["greater", () => ops.greater(of(2), of(3)), "greater of [2] and [3]"],
    ["where", () => ops.where(of(2), ints(2), of(2)), "where of [2] and int [2] and [2]: expected a condition"],
    ["sum", () => ops.sum(of(2, 3), [2]), "sum of [2, 3] along axis 2: expected an axis from -2 to 1"],
    ["max", () => ops.max(of(2), [-2]), "max of [2] along axis -2"],
    ["mean", () => ops.mean(of("batch", 3)), "mean of [batch, 3] over [batch, 3]: expected sizes that are known"],
    ["reshape", () => ops.reshape(of(2, 3), [4]), "reshape of [2, 3] to [4]: expected 6 elements, not 4"],
    ["reshape of names", () => ops.reshape(of("b", 3), ["c", 3]), "expected 3*b elements, not 3*c"],
    ["transpose", () => ops.transpose(of(2, 3), [0, 0]), "transpose of [2, 3] by [0, 0]: expected each axis from 0 to 1 once"],
    ["expand", () => ops.expand(of(2), [3]), "expand of [2] to [3]: expected a shape that the input broadcasts to"],
    ["concat", () => ops.concat([of(2, 3), of(3, 3)], 1), "concat of [2, 3] and [3, 3] along axis 1: expected one kind, and equal sizes"],
    ["concat of kinds", () => ops.concat([of(2), ints(2)], 0), "concat of [2] and int [2]"],
    ["concat of names", () => ops.concat([of("b"), of(2)], 0), "concat of [b] along axis 0: expected a size that is known"],
    ["concat of nothing", () => ops.concat([], 0), "concat of nothing"],
    ["slice", () => ops.slice(of(4), 0, 2, 5), "slice of [4] from 2 to 5 along axis 0: expected 0 <= from < to <= 4"],
    ["matmul", () => ops.matmul(of(2, 3), of(2, 3)), "matmul of [2, 3] and [2, 3]: expected equal inner sizes, not [3] and [2]"],
    ["matmul of stacks", () => ops.matmul(of(2, 3, 4), of(4, 5)), "matmul of [2, 3, 4] and [4, 5]: expected two matrices, or stacks"],
    [
      "matmul, bias",
      () => ops.matmul(of(2, 3), of(3, 4), { bias: of(2) }),
      "matmul of [2, 3] and [3, 4] and bias [2]: expected two matrices and a bias [4]",
    ],
    ["softmax", () => ops.softmax(of()), "softmax of []: expected at least one axis"],
    ["layerNorm", () => ops.layerNorm(of(2, 3), of(3), of(2)), "layerNorm of [2, 3] and [3] and [2]: expected gain and bias as long"],
    ["moments", () => ops.layerNormMoments(of(2)).mean, "layerNormMoments of input: expected a layerNorm node"],
    [
      "gatherRows",
      () => ops.gatherRows(of(2, 3), of(2)),
      "gatherRows of [2, 3] and [2]: expected a float table with rows, and int indices",
    ],
    ["scatterRows", () => ops.scatterRows(of(2, 3), ints(3), 5), "scatterRows of [2, 3] and int [3]: expected float rows"],
    ["productLogSumExp", () => ops.productLogSumExp(of(2, 3, 1), of(2, 1, 3)), "productLogSumExp of"],
    [
      "productLogSumExp, bias",
      () => ops.productLogSumExp(of(2, 3), of(4, 3), of(5)),
      "productLogSumExp of [2, 3] and [4, 3] and [5]: expected h [n, d], table [v, d], bias [v]",
    ],
    ["constant", () => constant(Float32Array.of(1, 2), [3]), "constant of 2 values: expected 3 for [3]"],
    ["a size", () => input("x", [1.5]), "a shape of 1.5: expected sizes that are whole numbers"],
    ["a name of a size", () => input("x", ["a b"]), 'a shape of "a b"'],
  ];
  it.each(cases)("%s", (_, build, message) => {
    expect(build).toThrow("[invalid_argument]");
    expect(build).toThrow(message);
  });
});

/** Two shapes that broadcast, and the result's: sizes drawn for the result, then 1 or missing leading axes in either. */
const broadcastable = fc
  .array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 })
  .chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      ...[0, 1].map(() => fc.tuple(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: shape.length }))),
    ),
  )
  .map(
    ([shape, ...pair]) =>
      pair.map(([ones, from]) => shape.map((size, axis) => (ones[axis] ? 1 : size)).slice(from)) as [number[], number[]],
  );

describe("broadcasting", () => {
  it("reads each operand at the result's index, 0 along axes that stretch; sumTo is its reverse", async () => {
    const reference = await openExecutor("reference");
    const onnx = await openExecutor("onnx");
    await fc.assert(
      fc.asyncProperty(broadcastable, async ([left, right]) => {
        const [a, b] = [input("a", left), input("b", right)];
        const result = ops.sub(a, b);
        const [ofA] = gradients(ops.sum(result), [a]);
        const graph = createGraph({ result, ofA: ofA! });
        const numbers = (shape: number[], factor: number) =>
          Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) => factor * (i + 1));
        const feeds = { a: numbers(left, 1), b: numbers(right, 100) };
        const shape = result.shape as number[];
        const at = (values: Float32Array, from: number[], index: number[]): number => {
          const own = index.slice(shape.length - from.length).map((i, axis) => (from[axis] === 1 ? 0 : i));
          return values[own.reduce((place, i, axis) => place * from[axis]! + i, 0)]!;
        };
        const expected = numbers(shape, 1).map((_, place) => {
          const index = shape.map(
            (size, axis) => Math.floor(place / shape.slice(axis + 1).reduce((product, next) => product * next, 1)) % size,
          );
          return at(feeds.a, left, index) - at(feeds.b, right, index);
        });
        for (const executor of [reference, onnx]) {
          const session = await executor.open(graph, { threads: 1 });
          const found = await session.run(feeds);
          expect([...found.result!]).toEqual([...expected]);
          expect([...found.ofA!]).toEqual([...numbers(left, 0).fill(expected.length / feeds.a.length)]);
          await session.close();
        }
      }),
      { numRuns: 40 },
    );
  });
});

const layouts = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }).chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    axis: fc.nat(shape.length - 1),
    cut: fc.nat(2),
    permutation: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
  }),
);

describe("operations that move elements", () => {
  it("undo each other: slices concatenated, a transpose by the inverse, a reshape back", async () => {
    const executors = [await openExecutor("reference"), await openExecutor("onnx"), await openExecutor("tfjs-wasm")];
    await fc.assert(
      fc.asyncProperty(layouts, async ({ shape, axis, cut, permutation }) => {
        const [a, size] = [input("a", shape), shape[axis]!];
        const cuts = [...new Set([0, Math.min(cut, size - 1), size])];
        const parts = cuts.slice(1).map((to, i) => ops.slice(a, axis, cuts[i]!, to));
        const moved = ops.transpose(a, permutation);
        const graph = createGraph({
          joined: ops.concat(parts, axis),
          turned: ops.transpose(
            ops.exp(ops.log(moved)),
            shape.map((_, i) => permutation.indexOf(i)),
          ),
          flat: ops.reshape(ops.reshape(ops.relu(a), [shape.reduce((product, next) => product * next, 1)]), shape),
        });
        const values = Float32Array.from({ length: shape.reduce((product, next) => product * next, 1) }, (_, i) => i + 1);
        for (const executor of executors) {
          const session = await executor.open(graph, { threads: 1 });
          for (const found of Object.values(await session.run({ a: values }))) {
            for (const [i, value] of values.entries()) expect(Math.abs(found[i]! / value - 1)).toBeLessThan(1e-5);
          }
          await session.close();
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("sizes known at run time", () => {
  const [users, items] = [input("users", ["batch", 3]), input("items", ["batch", "candidates", 3])];
  const rows = ops.reshape(items, ["batch*candidates", 3]);
  const hidden = ops.relu(ops.add(ops.matmul(rows, parameter("w", [3, 2])), parameter("b", [2])));
  const scores = ops.reshape(ops.sum(hidden, [-1]), ["batch", "candidates"]);
  const stretched = ops.expand(ops.reshape(users, ["batch", 1, 3]), ["batch", "candidates", 3]);
  const graph = createGraph({ scores, products: ops.sum(ops.mul(stretched, items), [-1]), stretched });
  const weights = { w: Float32Array.of(1, -1, 2, 0.5, -3, 1), b: Float32Array.of(0.1, 0.2) };

  it("follow from the feeds, differ from run to run, and give the same on all executors", async () => {
    expect(graph.outputs.scores!.shape).toEqual(["batch", "candidates"]);
    const sessions = [];
    for (const name of ["reference", "onnx", "tfjs-wasm"] as const)
      sessions.push(await (await openExecutor(name)).open(graph, { threads: 1, weights }));
    for (const [batch, candidates] of [
      [2, 4],
      [1, 1],
      [3, 5],
    ] as const) {
      const feeds = {
        users: Float32Array.from({ length: batch * 3 }, (_, i) => Math.sin(i)),
        items: Float32Array.from({ length: batch * candidates * 3 }, (_, i) => Math.cos(i)),
      };
      const [expected, ...others] = await Promise.all(sessions.map(async (session) => session.run(feeds, { batch })));
      expect(expected!.scores!.length).toBe(batch * candidates);
      for (const found of others) {
        for (const [name, values] of Object.entries(expected!)) {
          for (const [i, value] of values.entries()) expect(found[name]![i]).toBeCloseTo(value, 5);
        }
      }
    }
  });

  it("are spelled in one way", () => {
    expect(ops.reshape(of("b", 2, "a"), ["a*2*b"]).shape).toEqual(["2*a*b"]);
    expect(ops.reshape(of("b", 2, 1), [2, "b"]).shape).toEqual([2, "b"]);
  });
});
