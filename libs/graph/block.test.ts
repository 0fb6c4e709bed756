/** A transformer block with its loss, end to end: one definition, gradients, all executors. */

import { describe, expect, it } from "vitest";
import { graphDistance } from "./agreement.fixture.ts";
import { createBlock, trainingGraph } from "./block.fixture.ts";
import { singles } from "./cases.fixture.ts";
import { openExecutor, openOnnxModel } from "./executors/executor.ts";
import { gradientErrors } from "./float64.fixture.ts";
import { createGraph } from "./graph.ts";
import { exportOnnx } from "./onnx.ts";
import { nameOf } from "./tensor.ts";

const block = createBlock({ batch: 3, length: 5, width: 8, hidden: 12, items: 11 });

const feeds = singles({ inputs: {}, ...block });

describe("a transformer block with a full softmax", () => {
  it("has the gradients that finite differences show", async () => {
    const errors = await gradientErrors(block.loss, block.parameters, { ...block.floats, ...block.ints }, 2);
    expect(errors.length).toBe(block.parameters.length);
    for (const { name, relative } of errors) expect(relative, name).toBeLessThan(1e-7);
  });

  it("gives the same loss and gradients on every executor", async () => {
    for (const name of ["onnx", "tfjs-wasm"] as const) {
      const [output, distance] = await graphDistance(await openExecutor(name), trainingGraph(block), feeds, 1e-2);
      expect(distance, `${name} ${output}`).toBeLessThan(1e-5);
    }
  });

  it("writes each node once: moments come from the forward node, the softmax of the loss is shared", () => {
    const counts = new Map<string, number>();
    for (const { op } of trainingGraph(block).nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
    expect(counts.get("layerNorm")).toBe(3);
    expect(counts.get("layerNormMean")).toBe(3);
    // Attention and loss.
    expect(counts.get("softmax")).toBe(2);
    expect(counts.get("productLogSumExp")).toBe(1);
  });

  it("serves states from a file with the weights in it", async () => {
    const graph = createGraph({ states: block.states });
    const weights = Object.fromEntries(graph.parameters.map((tensor) => [nameOf(tensor), feeds[nameOf(tensor)] as Float32Array]));
    const bytes = exportOnnx(graph, { weights, metadata: { release: "r1" } });
    const inputs = { ids: [3, 5], mask: [3, 5, 5] };
    const session = await openOnnxModel(bytes, { threads: 1, inputs, outputs: { states: [3, 8] } });
    const { states } = await session.run(feeds);
    const reference = await (await openExecutor("reference")).open(graph, { threads: 1, weights });
    const expected = (await reference.run(feeds)).states!;
    states!.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
    await session.close();
  });
});
