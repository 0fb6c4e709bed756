import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { createGraph, gradients } from "../graph.ts";
import { exportOnnx } from "../onnx.ts";
import * as ops from "../ops.ts";
import { input, parameter } from "../tensor.ts";
import { openExecutor, openOnnxModel } from "./executor.ts";

const [x, rows, w] = [input("x", ["n", 2]), input("rows", ["n"], "int"), parameter("w", [2, 3])];
const table = parameter("table", [4, 2]);
const result = ops.matmul(ops.add(x, ops.gatherRows(table, rows)), w);
const graph = createGraph({ result });
const weights = { w: Float32Array.of(1, 2, 3, 4, 5, 6), table: Float32Array.from({ length: 8 }, (_, i) => i) };
const feeds = { x: Float32Array.of(1, 0, 0, 1), rows: Int32Array.of(0, 1) };
const expected = [5, 7, 9, 18, 24, 30];

describe.each(["onnx", "tfjs-wasm", "reference"] as const)("a session of %s", (name) => {
  const open = async (given: Partial<typeof weights> = weights) => (await openExecutor(name)).open(graph, { threads: 1, weights: given });

  it("sees arrays that were refilled in place", async () => {
    const session = await open();
    const refilled = { x: feeds.x.slice(), rows: feeds.rows.slice() };
    expect([...(await session.run(refilled)).result!]).toEqual(expected);
    refilled.x.reverse();
    refilled.rows.reverse();
    expect([...(await session.run(refilled)).result!]).toEqual([15, 21, 27, 8, 10, 12]);
    await session.close();
  });

  it("takes parameters without weights as feeds", async () => {
    const session = await open({ table: weights.table });
    expect([...(await session.run({ ...feeds, w: weights.w })).result!]).toEqual(expected);
    await expect(session.run(feeds)).rejects.toThrow("[invalid_argument] w: this run has no feed of this name; expected float [2, 3]");
    await session.close();
  });

  it("refuses feeds of another length or type, and sizes that do not follow, by name", async () => {
    const session = await open();
    await expect(session.run({ x: feeds.x })).rejects.toThrow("[invalid_argument] rows: this run has no feed");
    await expect(session.run({ ...feeds, rows: Int32Array.of(1) })).rejects.toThrow(
      "[invalid_argument] rows: fed with 1 values, expected 2",
    );
    await expect(session.run({ ...feeds, rows: Float32Array.of(1, 0) })).rejects.toThrow("rows: fed as Float32Array, expected Int32Array");
    await expect(session.run({ ...feeds, x: Float32Array.of(1) })).rejects.toThrow("x: fed with 1 values");
    await expect(session.run(feeds, { n: 3 })).rejects.toThrow("x: fed with 4 values, expected 6 for [n, 2]");
    expect([...(await session.run({ ...feeds, unused: feeds.x }, { n: 2 })).result!]).toEqual(expected);
    await session.close();
  });

  it("refuses weights of no parameter and of another size", async () => {
    const { open: openGraph } = await openExecutor(name);
    await expect(openGraph(graph, { threads: 1, weights: { v: weights.w } })).rejects.toThrow("v: weights that no parameter");
    await expect(openGraph(graph, { threads: 1, weights: { w: weights.table } })).rejects.toThrow("w: 8 weights, expected [2, 3]");
  });

  it("gives outputs that are inputs, twice the same, or the constant of a gradient", async () => {
    const a = input("a", [2]);
    const both = createGraph({ a2: a, b: ops.scale(a, 2), c: ops.scale(a, 2), d: gradients(ops.sum(a), [a])[0]!, e: ops.stopGradient(a) });
    const session = await (await openExecutor(name)).open(both, { threads: 1 });
    const found = await session.run({ a: Float32Array.of(3, 4) });
    expect(Object.fromEntries(Object.entries(found).map(([key, values]) => [key, [...values]]))).toEqual({
      a2: [3, 4],
      b: [6, 8],
      c: [6, 8],
      d: [1, 1],
      e: [3, 4],
    });
    await session.close();
  });
});

describe("the tfjs executor", () => {
  it("leaves no tensor behind, after runs and after failures", async () => {
    const before = tf.memory().numTensors;
    const session = await (await openExecutor("tfjs-wasm")).open(graph, { threads: 1, weights });
    const opened = tf.memory().numTensors;
    await session.run(feeds);
    await session.run(feeds);
    await session.run({ ...feeds, rows: new Int32Array(1) }).catch(() => {});
    expect(tf.memory().numTensors).toBe(opened);
    await session.close();
    expect(tf.memory().numTensors).toBe(before);
  });

  it("says what to run where its package is missing", async () => {
    await expect(openExecutor("tfjs-gpu")).rejects.toThrow(
      /^\[failed_precondition\] tfjs-gpu.*(npm run tfjs:install -- --gpu|Node 20 or 22)/,
    );
  });
});

describe("a saved model", () => {
  const bytes = exportOnnx(graph, { weights });
  const inputs = { x: ["n", 2], rows: ["n"] };
  const outputs = { result: ["n", 3] };
  const open = async (file: Uint8Array, expectedInputs: Record<string, (string | number)[]> = inputs) =>
    openOnnxModel(file, { threads: 1, inputs: expectedInputs, outputs });

  it("gives what the graph gives", async () => {
    const session = await open(bytes);
    expect([...(await session.run(feeds)).result!]).toEqual(expected);
    await session.close();
  });

  it("is refused when it is broken or cut short", async () => {
    await expect(open(new Uint8Array(0))).rejects.toThrow("[data_loss] ONNX Runtime cannot load this model of 0 bytes");
    await expect(open(bytes.slice(0, bytes.length / 2))).rejects.toThrow("[data_loss] ONNX Runtime cannot load this model");
    await expect(open(new TextEncoder().encode("not a model"))).rejects.toMatchObject({ code: "data_loss", reason: "onnx_model_broken" });
  });

  it("is refused when it is another one, naming what differs", async () => {
    await expect(open(bytes, { ...inputs, y: [1] })).rejects.toThrow('[data_loss] ONNX model: input "y" is missing; it has x, rows');
    await expect(open(bytes, { x: ["n", 2] })).rejects.toThrow('input "rows" is not expected');
    await expect(open(bytes, { ...inputs, x: ["n", 4] })).rejects.toThrow('input "x" is [n, 2], expected [n, 4]');
    await expect(open(exportOnnx(graph, { weights: { w: weights.w } }))).rejects.toThrow('input "table" is not expected');
    await expect(open(exportOnnx(graph, { weights, precision: "float64" }))).rejects.toThrow('input "x" has the type float64');
  });
});
