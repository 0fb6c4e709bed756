import { describe, expect, it } from "vitest";
import { openExecutor } from "./executors/executor.ts";
import { createGraph, gradients } from "./graph.ts";
import * as ops from "./ops.ts";
import { constant, input, parameter, type Tensor } from "./tensor.ts";

const counted = (outputs: Record<string, Tensor>, op: string): number => createGraph(outputs).nodes.filter((node) => node.op === op).length;

describe("a graph", () => {
  it("holds what its outputs need, inputs of a node before it", () => {
    const [a, b, unused] = [input("a", [2]), parameter("b", [2]), input("unused", [2])];
    ops.add(a, unused);
    const { inputs, parameters, nodes } = createGraph({ c: ops.exp(ops.mul(a, b)) });
    expect([inputs, parameters]).toEqual([[a], [b]]);
    nodes.forEach((node, i) => {
      for (const tensor of node.inputs) expect(nodes.indexOf(tensor)).toBeLessThan(i);
    });
  });

  it("has equal nodes once, constants by value", () => {
    const a = input("a", [2]);
    const twice = (): Tensor => ops.scale(ops.exp(a), 0.5);
    expect(counted({ c: ops.add(twice(), twice()) }, "exp")).toBe(1);
    expect(counted({ c: ops.add(twice(), twice()) }, "constant")).toBe(1);
    const other = ops.mul(ops.exp(a), constant(Float32Array.of(0.5, 0.25)));
    expect(counted({ c: ops.add(twice(), other) }, "constant")).toBe(2);
    expect(counted({ c: ops.add(ops.sum(a, [0], { keep: true }), ops.sum(a)) }, "sum")).toBe(2);
    const infinities = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) => ops.mul(a, constant(value)));
    expect(counted({ c: ops.add(infinities[0]!, infinities[1]!) }, "constant")).toBe(2);
  });

  it("refuses names that two tensors have, unfit outputs and no outputs", () => {
    const a = input("a", [2]);
    expect(() => createGraph({ c: ops.add(a, parameter("a", [2])) })).toThrow('[invalid_argument] the name "a"');
    expect(() => createGraph({ a: ops.exp(a) })).toThrow('the name "a"');
    expect(() => createGraph({ c: ops.greater(a, ops.zero()) })).toThrow('the output "c" is bool [2]');
    expect(() => createGraph({})).toThrow("at least one output");
    expect(() => input("two words", [2])).toThrow('input "two words"');
  });

  it("is built from chains far deeper than calls may nest", () => {
    const a = parameter("a", []);
    let deep: Tensor = a;
    for (let i = 0; i < 20_000; i++) deep = ops.shift(deep, 1);
    expect(createGraph({ d: gradients(deep, [a])[0]! }).nodes.length).toBe(1);
  });
});

describe("gradients", () => {
  const run = async (result: Tensor, a: number[]): Promise<number[]> => {
    const session = await (await openExecutor("reference")).open(createGraph({ result }), { threads: 1 });
    return [...(await session.run({ a: Float32Array.from(a) })).result!];
  };

  it("stop where they are told to", async () => {
    const a = input("a", [2]);
    const [flow] = gradients(ops.sum(ops.mul(a, ops.stopGradient(ops.square(a)))), [a]);
    expect(await run(flow!, [2, 3])).toEqual([4, 9]);
  });

  it("add up over all paths, and exist for tensors in the middle and for the loss", async () => {
    const a = input("a", [2]);
    const middle = ops.exp(a);
    const loss = ops.sum(ops.add(ops.mul(middle, middle), middle));
    const [ofMiddle, ofLoss] = gradients(loss, [middle, loss]);
    expect(await run(ofMiddle!, [0, 0])).toEqual([3, 3]);
    expect(await run(ops.add(ofLoss!, ops.mul(ops.sum(a), ops.zero())), [0, 0])).toEqual([1]);
  });

  it("are nodes, so that they can be derived again", async () => {
    const a = input("a", [2]);
    const [first] = gradients(ops.sum(ops.mul(ops.square(a), a)), [a]);
    const [second] = gradients(ops.sum(first!), [a]);
    expect(await run(second!, [1, 2])).toEqual([6, 12]);
  });

  it("of equal maxima share", async () => {
    const a = input("a", [4]);
    expect(await run(gradients(ops.max(a), [a])[0]!, [1, 5, 5, 2])).toEqual([0, 0.5, 0.5, 0]);
  });

  it("refuse a loss that is no number, what the loss does not see, and what has no second derivative", () => {
    const [a, b] = [input("a", [2]), parameter("b", [2])];
    expect(() => gradients(ops.exp(a), [a])).toThrow("gradients of [2]: expected a float of shape []");
    expect(() => gradients(ops.sum(a), [a, b])).toThrow("does not depend on b");
    expect(() => gradients(ops.sum(ops.where(ops.greater(a, b), a, a)), [b])).toThrow("does not depend on b");
    const loss = ops.sum(ops.square(ops.layerNorm(a, b, b)));
    expect(() => gradients(ops.sum(gradients(loss, [a])[0]!), [a])).toThrow("[unimplemented] layerNorm");
  });
});
