/** Operations that move elements and compute nothing: reshape, transpose, expand, concat, slice. */

import { axisOf, canonicalDim, countOf, type Dim, formatShape, isStatic, refuse, sameShape } from "../dims.ts";
import { type Attributes, describeTensor, type Shape, type Tensor } from "../tensor.ts";
import { broadcastPositions, definePrimitive, elementCount, emitted, type Primitive, positions, stridesOf } from "./primitive.ts";

const targetOf = (attributes: Attributes): Shape => (attributes.shape as readonly Dim[]).map(canonicalDim);

const reshape = definePrimitive({
  name: "reshape",
  infer: (inputs, attributes) => {
    const [a, shape] = [inputs[0]!, targetOf(attributes)];
    if (countOf(a.shape) !== countOf(shape)) {
      throw refuse("reshape", `${describeTensor(a)} to ${formatShape(shape)}`, `${countOf(a.shape)} elements, not ${countOf(shape)}`);
    }
    return { shape, kind: a.kind };
  },
  forward: (inputs) => inputs[0]!.data,
  gradient: (node, upstream, ops) => [ops.reshape(upstream, node.inputs[0]!.shape)],
  onnx: (node, emit) => {
    const unknown = node.shape.filter((dim) => typeof dim === "string").length;
    // -1 stands for the one size that follows from the others.
    const target = unknown <= 1 ? emit.integers(node.shape.map((dim) => (typeof dim === "string" ? -1 : dim))) : emit.shape(node.shape);
    return emit.add("Reshape", [...emitted(node, emit), target]);
  },
  tfjs: (tf, inputs, _, shape) => tf.reshape(inputs[0]!, [...shape]),
});

const permutationOf = (attributes: Attributes): readonly number[] => attributes.permutation as readonly number[];

/** Axis i of the result is axis permutation[i] of the input. */
const transpose = definePrimitive({
  name: "transpose",
  infer: (inputs, attributes) => {
    const [a, permutation] = [inputs[0]!, permutationOf(attributes)];
    const sorted = [...permutation].sort((left, right) => left - right);
    if (permutation.length !== a.shape.length || sorted.some((axis, i) => axis !== i)) {
      throw refuse("transpose", `${describeTensor(a)} by [${permutation.join(", ")}]`, `each axis from 0 to ${a.shape.length - 1} once`);
    }
    return { shape: permutation.map((axis) => a.shape[axis]!), kind: a.kind };
  },
  forward: (inputs, attributes, shape) => {
    const { shape: from, data } = inputs[0]!;
    const strides = stridesOf(from);
    return Float64Array.from(
      positions(
        shape,
        permutationOf(attributes).map((axis) => strides[axis]!),
      ),
      (at) => data[at]!,
    );
  },
  gradient: (node, upstream, ops) => {
    const permutation = permutationOf(node.attributes);
    return [
      ops.transpose(
        upstream,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
    ];
  },
  onnx: (node, emit) => emit.add("Transpose", emitted(node, emit), { perm: permutationOf(node.attributes) }),
  tfjs: (tf, inputs, attributes) => tf.transpose(inputs[0]!, [...permutationOf(attributes)]),
});

/** Repeats axes of size 1, and adds leading axes. */
const expand = definePrimitive({
  name: "expand",
  infer: (inputs, attributes) => {
    const [a, shape] = [inputs[0]!, targetOf(attributes)];
    const lead = shape.length - a.shape.length;
    if (lead < 0 || a.shape.some((dim, axis) => dim !== 1 && dim !== shape[lead + axis])) {
      throw refuse("expand", `${describeTensor(a)} to ${formatShape(shape)}`, "a shape that the input broadcasts to");
    }
    return { shape, kind: a.kind };
  },
  forward: (inputs, _, shape) => Float64Array.from(broadcastPositions(shape, inputs[0]!.shape), (at) => inputs[0]!.data[at]!),
  gradient: (node, upstream, ops) => [ops.sumTo(upstream, node.inputs[0]!.shape)],
  onnx: (node, emit) => {
    const a = node.inputs[0]!;
    const lead = node.shape.length - a.shape.length;
    // A 1 in the target leaves the size as it is, so that few sizes must be found at run time.
    const target = node.shape.map((dim, axis) => (axis >= lead && a.shape[axis - lead] === dim ? 1 : dim));
    return emit.add("Expand", [...emitted(node, emit), isStatic(target) ? emit.integers(target) : emit.shape(target)]);
  },
  tfjs: (tf, inputs, _, shape) => tf.broadcastTo(inputs[0]!, [...shape]),
});

/** Size along an axis, which must be known when the graph is built. */
function sizeAlong(op: string, tensor: Tensor, axis: number): number {
  const size = tensor.shape[axis];
  if (typeof size !== "number")
    throw refuse(op, `${describeTensor(tensor)} along axis ${axis}`, "a size that is known when the graph is built");
  return size;
}

const concat = definePrimitive({
  name: "concat",
  infer: (inputs, attributes) => {
    const [first, axis] = [inputs[0]!, attributes.axis as number];
    const others = (shape: Shape): Shape => shape.filter((_, i) => i !== axis);
    if (
      inputs.some(
        ({ shape, kind }) => kind !== first.kind || shape.length !== first.shape.length || !sameShape(others(shape), others(first.shape)),
      )
    ) {
      throw refuse(
        "concat",
        `${inputs.map(describeTensor).join(" and ")} along axis ${axis}`,
        "one kind, and equal sizes in all other axes",
      );
    }
    const total = inputs.reduce((sum, tensor) => sum + sizeAlong("concat", tensor, axis), 0);
    return { shape: first.shape.map((dim, i) => (i === axis ? total : dim)), kind: first.kind };
  },
  forward: (inputs, attributes, shape) => {
    const result = new Float64Array(elementCount(shape));
    const axis = attributes.axis as number;
    const strides = stridesOf(shape);
    let from = 0;
    for (const value of inputs) {
      positions(value.shape, strides, from * strides[axis]!).forEach((at, i) => {
        result[at] = value.data[i]!;
      });
      from += value.shape[axis]!;
    }
    return result;
  },
  gradient: (node, upstream, ops) => {
    const axis = node.attributes.axis as number;
    let from = 0;
    return node.inputs.map((tensor) => {
      const to = from + sizeAlong("concat", tensor, axis);
      const part = ops.slice(upstream, axis, from, to);
      from = to;
      return part;
    });
  },
  onnx: (node, emit) => emit.add("Concat", emitted(node, emit), { axis: node.attributes.axis as number }),
  tfjs: (tf, inputs, attributes) => tf.concat([...inputs], attributes.axis as number),
});

interface Range {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
}

const rangeOf = ({ axis, from, to }: Attributes): Range => ({ axis: axis as number, from: from as number, to: to as number });

/** Positions `from` (included) to `to` (not included) of one axis. */
const slice = definePrimitive({
  name: "slice",
  infer: (inputs, attributes) => {
    const [a, { axis, from, to }] = [inputs[0]!, rangeOf(attributes)];
    const size = sizeAlong("slice", a, axisOf("slice", axis, a.shape));
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to <= from || to > size) {
      throw refuse("slice", `${describeTensor(a)} from ${from} to ${to} along axis ${axis}`, `0 <= from < to <= ${size}`);
    }
    return { shape: a.shape.map((dim, i) => (i === axis ? to - from : dim)), kind: a.kind };
  },
  forward: (inputs, attributes, shape) => {
    const strides = stridesOf(inputs[0]!.shape);
    const { axis, from } = rangeOf(attributes);
    return Float64Array.from(positions(shape, strides, from * strides[axis]!), (at) => inputs[0]!.data[at]!);
  },
  gradient: (node, upstream, ops) => {
    const a = node.inputs[0]!;
    const { axis, from, to } = rangeOf(node.attributes);
    const zeros = (size: number): Tensor[] =>
      size === 0
        ? []
        : [
            ops.expand(
              ops.zero(),
              a.shape.map((dim, i) => (i === axis ? size : dim)),
            ),
          ];
    return [ops.concat([...zeros(from), upstream, ...zeros(sizeAlong("slice", a, axis) - to)], axis)];
  },
  onnx: (node, emit) => {
    const { axis, from, to } = rangeOf(node.attributes);
    return emit.add("Slice", [...emitted(node, emit), emit.integers([from]), emit.integers([to]), emit.integers([axis])]);
  },
  tfjs: (tf, inputs, attributes, shape) => {
    const { axis, from } = rangeOf(attributes);
    return tf.slice(
      inputs[0]!,
      shape.map((_, i) => (i === axis ? from : 0)),
      [...shape],
    );
  },
});

export const layout: readonly Primitive[] = [reshape, transpose, expand, concat, slice];
