import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { createGraph } from "./graph.ts";
import { exportOnnx } from "./onnx.ts";
import * as ops from "./ops.ts";
import { input, parameter } from "./tensor.ts";

describe("an exported graph", () => {
  const [x, w] = [input("x", ["batch", 2]), parameter("w", [2, 3])];
  const graph = createGraph({ y: ops.softmax(ops.matmul(x, w)) });

  it("loads in ONNX Runtime with the graph's names, shapes and types; baked weights are no inputs", async () => {
    const open = await InferenceSession.create(exportOnnx(graph));
    expect(open.inputMetadata).toEqual([
      { name: "x", isTensor: true, type: "float32", shape: ["batch", 2] },
      { name: "w", isTensor: true, type: "float32", shape: [2, 3] },
    ]);
    expect(open.outputMetadata).toEqual([{ name: "y", isTensor: true, type: "float32", shape: ["batch", 3] }]);
    const baked = await InferenceSession.create(exportOnnx(graph, { weights: { w: new Float32Array(6) } }));
    expect(baked.inputNames).toEqual(["x"]);
    const { y } = await baked.run({ x: new OrtTensor("float32", new Float32Array(8), [4, 2]) });
    expect(y!.dims).toEqual([4, 3]);
    expect(y!.data[0]).toBeCloseTo(1 / 3, 6);
  });

  it("is the same bytes each time, and carries its producer and metadata", () => {
    const options = { producer: "shop", metadata: { release: "r-17" }, weights: { w: new Float32Array(6) } };
    const bytes = exportOnnx(graph, options);
    expect(exportOnnx(graph, options)).toEqual(bytes);
    const text = new TextDecoder("latin1").decode(bytes);
    for (const word of ["shop", "release", "r-17", "batch"]) expect(text).toContain(word);
  });

  it("keeps out of the way of names that look like its own", async () => {
    const [a, b] = [input("v0", [2]), parameter("v2", [2])];
    const named = createGraph({ v1: ops.exp(ops.add(ops.exp(a), b)), v3: ops.exp(a) });
    const session = await InferenceSession.create(exportOnnx(named));
    const zeros = new OrtTensor("float32", new Float32Array(2), [2]);
    const { v1, v3 } = await session.run({ v0: zeros, v2: zeros });
    expect([v1!.data[0], v3!.data[0]].map((value) => Number(value).toFixed(4))).toEqual([Math.exp(1).toFixed(4), "1.0000"]);
  });

  it("refuses a size that no input has as an axis of its own where it must be read at run time", () => {
    const flat = input("flat", ["a*b", 2]);
    const split = createGraph({ y: ops.reshape(flat, ["a", "b", 2]) });
    expect(() => exportOnnx(split)).toThrow('[failed_precondition] no input of the graph has the size "a" as an axis of its own');
  });
});
