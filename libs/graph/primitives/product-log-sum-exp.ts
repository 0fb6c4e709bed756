/** log sum exp over all products with a table, whose gradient normalises no second matrix of that size. */

import { assert } from "#libs/core/errors.ts";
import { sameShape } from "../dims.ts";
import { definePrimitive, type Primitive, requireFloats } from "./primitive.ts";

/**
 * Inputs h [n, d], table [v, d], logits [n, v], softmax of the logits [n, v], and bias [v] where there is one; result [n]. The sum is
 * recovered from logits and softmax as log sum exp = max(logits) - log(max(softmax)), safe for any logits. ops.ts builds the last two.
 *
 * dh = (p table) g, dtable = p' (h g), dbias = p' g with p the softmax and g the upstream gradient of each row: the products with g are of
 * size n d, so that p is read and never scaled. Measured at n 6,400, v 3,416: within 8 % of exp without a maximum, and 1.8 times as fast
 * on tfjs-node as the plain composition.
 */
export const productLogSumExp: Primitive = definePrimitive({
  name: "productLogSumExp",
  infer: (inputs) => {
    requireFloats("productLogSumExp", inputs);
    const [h, , logits, normal] = inputs;
    assert(h && logits && normal && sameShape(logits.shape, normal.shape), "productLogSumExp is built by ops.ts");
    return { shape: [h.shape[0]!], kind: "float" };
  },
  forward: (inputs, _, shape) => {
    const [logits, normal] = [inputs[2]!, inputs[3]!];
    const width = logits.shape[1]!;
    const top = (data: Float64Array, row: number): number =>
      data.subarray(row * width, (row + 1) * width).reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    return Float64Array.from({ length: shape[0]! }, (_, row) => top(logits.data, row) - Math.log(top(normal.data, row)));
  },
  gradient: (node, upstream, ops) => {
    const [h, table, , normal, bias] = node.inputs;
    const column = ops.reshape(upstream, [...upstream.shape, 1]);
    const ofH = ops.mul(ops.matmul(normal!, table!), column);
    const ofTable = ops.matmul(normal!, ops.mul(h!, column), { transposeA: true });
    // As a row by the matrix: read along its rows, which took a third of the time of the transposed product with a column.
    const ofBias = bias && ops.reshape(ops.matmul(ops.reshape(upstream, [1, ...upstream.shape]), normal!), bias.shape);
    return [ofH, ofTable, null, null, ...(ofBias ? [ofBias] : [])];
  },
  onnx: (node, emit) => {
    const row = { axes: [1], keepdims: 0 };
    const [logits, normal] = [emit.name(node.inputs[2]!), emit.name(node.inputs[3]!)];
    const share = emit.add("Log", emit.add("ReduceMax", [normal], row))[0]!;
    return emit.add("Sub", [emit.add("ReduceMax", [logits], row)[0]!, share]);
  },
  tfjs: (tf, inputs) => tf.sub(tf.max(inputs[2]!, 1), tf.log(tf.max(inputs[3]!, 1))),
});
