/** Sums and maxima over axes. Attributes: `axes`, ascending from 0, and `keep`: leave them in the shape as 1. */

import type { Attributes, Shape, Tensor } from "../tensor.ts";
import { definePrimitive, elementCount, emitted, type Ops, type Primitive, positions, requireFloats, stridesOf } from "./primitive.ts";

const axesOf = (attributes: Attributes): readonly number[] => attributes.axes as readonly number[];

/** The input's shape with the reduced axes as 1. */
const keptShape = <Size>(shape: readonly Size[], axes: readonly number[]): (Size | 1)[] =>
  shape.map((size, axis) => (axes.includes(axis) ? 1 : size));

const infer =
  (name: string): Primitive["infer"] =>
  (inputs, attributes) => {
    requireFloats(name, inputs, 1);
    const axes = axesOf(attributes);
    const shape: Shape = inputs[0]!.shape;
    return { shape: attributes.keep ? keptShape(shape, axes) : shape.filter((_, axis) => !axes.includes(axis)), kind: "float" };
  };

const forward =
  (start: number, combine: (a: number, b: number) => number): Primitive["forward"] =>
  (inputs, attributes, shape) => {
    const { shape: from, data } = inputs[0]!;
    const axes = axesOf(attributes);
    const strides = stridesOf(keptShape(from, axes));
    const target = positions(
      from,
      strides.map((stride, axis) => (axes.includes(axis) ? 0 : stride)),
    );
    const result = new Float64Array(elementCount(shape)).fill(start);
    for (let i = 0; i < data.length; i++) result[target[i]!] = combine(result[target[i]!]!, data[i]!);
    return result;
  };

/** The result, or a gradient of its shape, stretched back to the input's shape. */
function spread(node: Tensor, result: Tensor, ops: Ops): Tensor {
  const from = node.inputs[0]!.shape;
  return ops.expand(ops.reshape(result, keptShape(from, axesOf(node.attributes))), from);
}

export const reduce: readonly Primitive[] = [
  definePrimitive({
    name: "sum",
    infer: infer("sum"),
    forward: forward(0, (a, b) => a + b),
    gradient: (node, upstream, ops) => [spread(node, upstream, ops)],
    onnx: (node, emit) =>
      // Axes are an input here from opset 13 on.
      emit.add("ReduceSum", [...emitted(node, emit), emit.integers(axesOf(node.attributes))], { keepdims: node.attributes.keep ? 1 : 0 }),
    tfjs: (tf, inputs, attributes) => tf.sum(inputs[0]!, [...axesOf(attributes)], attributes.keep as boolean),
  }),
  definePrimitive({
    name: "max",
    infer: infer("max"),
    forward: forward(Number.NEGATIVE_INFINITY, Math.max),
    // Equal maxima share the gradient.
    gradient: (node, upstream, ops) => {
      const a = node.inputs[0]!;
      const kept = { keep: true };
      const below = ops.greater(spread(node, node, ops), a);
      const hits = ops.where(below, ops.zero(), ops.scalar(1));
      const share = ops.div(hits, ops.sum(hits, axesOf(node.attributes), kept));
      return [ops.mul(share, spread(node, upstream, ops))];
    },
    onnx: (node, emit) =>
      // An attribute until opset 18.
      emit.add("ReduceMax", emitted(node, emit), { axes: axesOf(node.attributes), keepdims: node.attributes.keep ? 1 : 0 }),
    tfjs: (tf, inputs, attributes) => tf.max(inputs[0]!, [...axesOf(attributes)], attributes.keep as boolean),
  }),
];
