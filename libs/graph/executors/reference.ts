/** The plain executor: doubles, no libraries, slow. Others are compared with it. */

import { resolveShape } from "../dims.ts";
import type { Graph } from "../graph.ts";
import { checkWeights } from "../onnx.ts";
import type { Value } from "../primitives/primitive.ts";
import { primitiveOf } from "../primitives/table.ts";
import { constantValues, nameOf, type Tensor } from "../tensor.ts";
import { sizesOf, slotsOf } from "./feeds.ts";
import type { Executor, Feeds, Session, Sizes } from "./session.ts";

/** Values of all nodes, in doubles. `leafValues` gives those of inputs and parameters. */
export function evaluate(graph: Graph, leafValues: (leaf: Tensor) => ArrayLike<number>, sizes: Sizes = {}): Map<Tensor, Value> {
  const values = new Map<Tensor, Value>();
  for (const node of graph.nodes) {
    const shape = resolveShape(node.shape, sizes);
    const leaf = node.op === "constant" ? constantValues(node) : node.inputs.length === 0 ? leafValues(node) : null;
    const inputs = node.inputs.map((tensor) => values.get(tensor)!);
    const data = leaf ? Float64Array.from(leaf) : primitiveOf(node.op).forward(inputs, node.attributes, shape);
    values.set(node, { shape, data });
  }
  return values;
}

export const referenceExecutor: Executor = {
  name: "reference",
  open: async (graph, { weights = {} }): Promise<Session> => {
    checkWeights(graph, weights);
    const slots = slotsOf(graph, weights);
    return {
      executor: "reference",
      run: async (feeds: Feeds, sizes: Sizes = {}) => {
        const values = evaluate(graph, (leaf) => weights[nameOf(leaf)] ?? feeds[nameOf(leaf)]!, sizesOf(slots, feeds, sizes));
        return Object.fromEntries(
          Object.entries(graph.outputs).map(([name, tensor]) => [name, Float32Array.from(values.get(tensor)!.data)]),
        );
      },
      close: async () => {},
    };
  },
};
