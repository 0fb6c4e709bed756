/** Softmax and layer normalisation over the last axis, and the parts that the gradient of the latter needs. */

import { refuse, sameShape } from "../dims.ts";
import { describeTensor, type Tensor } from "../tensor.ts";
import {
  definePrimitive,
  type Emitter,
  emitted,
  type Ops,
  type Primitive,
  requireFloats,
  type Tfjs,
  type TfTensor,
  type Value,
} from "./primitive.ts";

/** One number for each row of the last axis. */
function perRow({ shape, data }: Value, measure: (row: Float64Array) => number): Float64Array {
  const width = shape.at(-1)!;
  return Float64Array.from({ length: data.length / width }, (_, row) => measure(data.subarray(row * width, (row + 1) * width)));
}

const meanOf = (row: Float64Array): number => row.reduce((sum, value) => sum + value, 0) / row.length;

/** 1 / sqrt(variance + epsilon), the variance being the mean of squares around the mean. */
function inverseDeviationOf(row: Float64Array, epsilon: number): number {
  const mean = meanOf(row);
  return 1 / Math.sqrt(meanOf(row.map((value) => (value - mean) ** 2)) + epsilon);
}

const softmax = definePrimitive({
  name: "softmax",
  infer: (inputs) => {
    requireFloats("softmax", inputs, 1);
    if (inputs[0]!.shape.length === 0) throw refuse("softmax", describeTensor(inputs[0]!), "at least one axis");
    return { shape: inputs[0]!.shape, kind: "float" };
  },
  forward: (inputs) => {
    const width = inputs[0]!.shape.at(-1)!;
    const tops = perRow(inputs[0]!, (row) => row.reduce((top, value) => Math.max(top, value), Number.NEGATIVE_INFINITY));
    const powers = inputs[0]!.data.map((value, i) => Math.exp(value - tops[Math.floor(i / width)]!));
    const sums = perRow({ shape: inputs[0]!.shape, data: powers }, (row) => row.reduce((sum, value) => sum + value, 0));
    return powers.map((value, i) => value / sums[Math.floor(i / width)]!);
  },
  gradient: (node, upstream, ops) => {
    const weighted = ops.mul(upstream, node);
    return [ops.sub(weighted, ops.mul(node, ops.sum(weighted, [-1], { keep: true })))];
  },
  onnx: (node, emit) => emit.add("Softmax", emitted(node, emit), { axis: -1 }),
  tfjs: (tf, inputs) => tf.softmax(inputs[0]!),
});

function tfMoments(tf: Tfjs, x: TfTensor, epsilon: number): { readonly mean: TfTensor; readonly inverse: TfTensor } {
  const mean = tf.mean(x, -1, true);
  const variance = tf.mean(tf.square(tf.sub(x, mean)), -1, true);
  return { mean, inverse: tf.div(1, tf.sqrt(tf.add(variance, epsilon))) };
}

/** The fused operator's statistics are float32 even for doubles, so it is taken apart in a float64 graph. */
function decomposed(node: Tensor, emit: Emitter): string[] {
  const [x, gain, bias] = emitted(node, emit);
  const row = { axes: [-1], keepdims: 1 };
  const mean = emit.add("ReduceMean", [x!], row)[0]!;
  const centred = emit.add("Sub", [x!, mean])[0]!;
  const variance = emit.add("ReduceMean", emit.add("Mul", [centred, centred]), row)[0]!;
  const deviation = emit.add("Sqrt", emit.add("Add", [variance, emit.float(node.attributes.epsilon as number)]))[0]!;
  const inverse = emit.add("Div", [emit.float(1), deviation])[0]!;
  const scaled = emit.add("Mul", [emit.add("Mul", [centred, inverse])[0]!, gain!])[0]!;
  return [emit.add("Add", [scaled, bias!])[0]!, mean, inverse];
}

/** Layer normalisation, Ba et al., 2016 (arXiv 1607.06450): with x' = (x - mean) * inverse and g = upstream * gain,
 *  dx = inverse * (g - mean(g) - x' * mean(g * x')). */
function layerNormGradient(node: Tensor, upstream: Tensor, ops: Ops): readonly Tensor[] {
  const [x, gain, bias] = [node.inputs[0]!, node.inputs[1]!, node.inputs[2]!];
  const { mean, inverse } = ops.layerNormMoments(node);
  const normal = ops.mul(ops.sub(x, mean), inverse);
  const weighted = ops.mul(upstream, gain);
  const row = { keep: true };
  const along = ops.mul(normal, ops.mean(ops.mul(weighted, normal), [-1], row));
  const ofX = ops.mul(ops.sub(ops.sub(weighted, ops.mean(weighted, [-1], row)), along), inverse);
  return [ofX, ops.sumTo(ops.mul(upstream, normal), gain.shape), ops.sumTo(upstream, bias.shape)];
}

/** Inputs x [..., n], gain [n], bias [n]; attribute epsilon. Its parts 1 and 2 are mean and inverse deviation. */
const layerNorm = definePrimitive({
  name: "layerNorm",
  infer: (inputs) => {
    requireFloats("layerNorm", inputs, 3);
    const [x, gain, bias] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const width = x.shape.slice(-1);
    if (width.length === 0 || !sameShape(gain.shape, width) || !sameShape(bias.shape, width)) {
      throw refuse("layerNorm", inputs.map(describeTensor).join(" and "), "gain and bias as long as the last axis");
    }
    return { shape: x.shape, kind: "float" };
  },
  forward: (inputs, attributes) => {
    const [x, gain, bias] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const width = x.shape.at(-1)!;
    const means = perRow(x, meanOf);
    const inverses = perRow(x, (row) => inverseDeviationOf(row, attributes.epsilon as number));
    return x.data.map((value, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      return (value - means[row]!) * inverses[row]! * gain.data[column]! + bias.data[column]!;
    });
  },
  gradient: layerNormGradient,
  onnx: (node, emit) =>
    emit.precision === "float64"
      ? decomposed(node, emit)
      : emit.add("LayerNormalization", emitted(node, emit), { axis: -1, epsilon: { float: node.attributes.epsilon as number } }, 3),
  tfjs: (tf, inputs, attributes) => {
    const { mean, inverse } = tfMoments(tf, inputs[0]!, attributes.epsilon as number);
    return tf.add(tf.mul(tf.mul(tf.sub(inputs[0]!, mean), inverse), inputs[1]!), inputs[2]!);
  },
});

/** A part of a layerNorm node, which is its first input; the second is the x of that node, for executors that compute it anew. */
const moment = (name: string, part: number, measure: (row: Float64Array, epsilon: number) => number): Primitive =>
  definePrimitive({
    name,
    infer: (inputs) => ({ shape: [...inputs[1]!.shape.slice(0, -1), 1], kind: "float" }),
    forward: (inputs, attributes) => perRow(inputs[1]!, (row) => measure(row, attributes.epsilon as number)),
    gradient: "once",
    onnx: (node, emit) => [emit.name(node.inputs[0]!, part)],
    tfjs: (tf, inputs, attributes) => {
      const moments = tfMoments(tf, inputs[1]!, attributes.epsilon as number);
      return part === 1 ? moments.mean : moments.inverse;
    },
  });

export const normalise: readonly Primitive[] = [
  softmax,
  layerNorm,
  moment("layerNormMean", 1, meanOf),
  moment("layerNormInverse", 2, inverseDeviationOf),
];
