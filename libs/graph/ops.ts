/**
 * The operations of a graph. Each checks shapes and kinds when it is called and throws ModisteError invalid_argument (`graph_shape`) naming
 * the operation, what it was given and what was expected. Elementwise ones broadcast as numpy does.
 */

import { axisOf, formatShape, isStatic, refuse, type Shape, sameShape } from "./dims.ts";
import { primitiveOf } from "./primitives/table.ts";
import { type Attributes, constant, createNode, describeTensor, type Tensor } from "./tensor.ts";

function apply(name: string, inputs: readonly Tensor[], attributes: Attributes = {}): Tensor {
  const { shape, kind } = primitiveOf(name).infer(inputs, attributes);
  return createNode(name, inputs, attributes, shape, kind);
}

/** A constant of shape []. */
export const scalar = (value: number): Tensor => constant(value);
export const zero = (): Tensor => constant(0);

export const add = (a: Tensor, b: Tensor): Tensor => apply("add", [a, b]);
export const sub = (a: Tensor, b: Tensor): Tensor => apply("sub", [a, b]);
export const mul = (a: Tensor, b: Tensor): Tensor => apply("mul", [a, b]);
export const div = (a: Tensor, b: Tensor): Tensor => apply("div", [a, b]);
/** a * factor. */
export const scale = (a: Tensor, factor: number): Tensor => (factor === 1 ? a : mul(a, scalar(factor)));
/** a + amount. */
export const shift = (a: Tensor, amount: number): Tensor => (amount === 0 ? a : add(a, scalar(amount)));

export const exp = (a: Tensor): Tensor => apply("exp", [a]);
export const log = (a: Tensor): Tensor => apply("log", [a]);
export const sqrt = (a: Tensor): Tensor => apply("sqrt", [a]);
export const square = (a: Tensor): Tensor => mul(a, a);
export const tanh = (a: Tensor): Tensor => apply("tanh", [a]);
export const sigmoid = (a: Tensor): Tensor => apply("sigmoid", [a]);
/** log(1 + exp(a)), safe for any a. */
export const softplus = (a: Tensor): Tensor => apply("softplus", [a]);
export const relu = (a: Tensor): Tensor => apply("relu", [a]);

/**
 * x * sigmoid(2 c (x + 0.044715 x^3)) with c = sqrt(2 / pi), which is the tanh form of Hendrycks and Gimpel, 2016 (arXiv 1606.08415),
 * section 2; within 1e-3 of x * normal cdf(x).
 */
export function gelu(x: Tensor): Tensor {
  const twice = 2 * Math.sqrt(2 / Math.PI);
  return mul(x, sigmoid(mul(x, shift(scale(square(x), twice * 0.044715), twice))));
}

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Factor of the product. */
  readonly alpha?: number;
  /** [m], added to each row of a product of two matrices; cheaper than `add`, which passes over the product once more. */
  readonly bias?: Tensor;
}

/** alpha op(a) op(b) + bias: [n, k] by [k, m], or stacks of matrices with equal leading axes. */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false, alpha = 1, bias }: MatmulOptions = {}): Tensor {
  return apply("matmul", [a, b, ...(bias ? [bias] : [])], { transposeA, transposeB, alpha });
}

/** Over the last axis. */
export const softmax = (a: Tensor): Tensor => apply("softmax", [a]);

/** log sum exp over the last axis, which goes: [..., n] to [...]. Safe for any finite values. */
export function logSumExp(a: Tensor): Tensor {
  // The maximum cancels out of the value, hence out of the gradient.
  const top = stopGradient(max(a, [-1], { keep: true }));
  return add(log(sum(exp(sub(a, top)), [-1])), reshape(top, a.shape.slice(0, -1)));
}

export interface ReduceOptions {
  /** Leave the reduced axes in the shape, as 1. */
  readonly keep?: boolean;
}

function reduced(name: string, a: Tensor, axes: readonly number[] | undefined, { keep = false }: ReduceOptions): Tensor {
  const wanted = new Set(axes === undefined ? a.shape.keys() : axes.map((axis) => axisOf(name, axis, a.shape)));
  return wanted.size === 0 ? a : apply(name, [a], { axes: [...wanted].sort((left, right) => left - right), keep });
}

/** Over all axes unless some are named; negative axes count from the end. */
export const sum = (a: Tensor, axes?: readonly number[], options: ReduceOptions = {}): Tensor => reduced("sum", a, axes, options);
export const max = (a: Tensor, axes?: readonly number[], options: ReduceOptions = {}): Tensor => reduced("max", a, axes, options);

/** As `sum`, divided by the number of elements, which must be known when the graph is built. */
export function mean(a: Tensor, axes?: readonly number[], options: ReduceOptions = {}): Tensor {
  const sizes = axes === undefined ? a.shape : axes.map((axis) => a.shape[axisOf("mean", axis, a.shape)]!);
  if (!isStatic(sizes))
    throw refuse("mean", `${describeTensor(a)} over ${formatShape(sizes)}`, "sizes that are known when the graph is built");
  const count = sizes.reduce((product, size) => product * size, 1);
  return scale(sum(a, axes, options), 1 / count);
}

/** The reverse of broadcasting: sums `a` down to a shape that broadcasts to its own. */
export function sumTo(a: Tensor, shape: Shape): Tensor {
  if (sameShape(a.shape, shape)) return a;
  const lead = a.shape.length - shape.length;
  const axes = [...a.shape.keys()].filter((axis) => axis < lead || (shape[axis - lead] === 1 && a.shape[axis] !== 1));
  return reshape(sum(a, axes), shape);
}

/** Over the last axis of x [..., n]: (x - mean) / sqrt(variance + epsilon) * gain [n] + bias [n]. */
export function layerNorm(x: Tensor, gain: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  return apply("layerNorm", [x, gain, bias], { epsilon });
}

/** Mean and 1 / sqrt(variance + epsilon) of the rows of a layerNorm node's x, [..., 1] each. They cannot be derived. */
export function layerNormMoments(node: Tensor): { readonly mean: Tensor; readonly inverse: Tensor } {
  if (node.op !== "layerNorm") throw refuse("layerNormMoments", node.op, "a layerNorm node");
  const inputs = [node, node.inputs[0]!];
  return { mean: apply("layerNormMean", inputs, node.attributes), inverse: apply("layerNormInverse", inputs, node.attributes) };
}

/** As many elements in another shape. A product of names is written "batch*candidates". */
export const reshape = (a: Tensor, shape: Shape): Tensor => {
  const node = apply("reshape", [a], { shape });
  return sameShape(node.shape, a.shape) ? a : node;
};
/** Axis i of the result is axis permutation[i] of `a`. */
export const transpose = (a: Tensor, permutation: readonly number[]): Tensor => apply("transpose", [a], { permutation });
/** `a` broadcast to `shape`. */
export const expand = (a: Tensor, shape: Shape): Tensor => {
  const node = apply("expand", [a], { shape });
  return sameShape(node.shape, a.shape) ? a : node;
};

export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const first = tensors[0];
  if (!first) throw refuse("concat", "nothing", "at least one tensor");
  return tensors.length === 1 ? first : apply("concat", tensors, { axis: axisOf("concat", axis, first.shape) });
}

/** Positions `from` to `to` (not included) along an axis. */
export function slice(a: Tensor, axis: number, from: number, to: number): Tensor {
  return apply("slice", [a], { axis: axisOf("slice", axis, a.shape), from, to });
}

/** `a` where the condition holds, else `b`. A float or int condition holds where it is not zero. */
export const where = (condition: Tensor, a: Tensor, b: Tensor): Tensor => apply("where", [condition, a, b]);
/** Truth of a > b, for `where`. */
export const greater = (a: Tensor, b: Tensor): Tensor => apply("greater", [a, b]);
/** `a`, as a constant in gradients. */
export const stopGradient = (a: Tensor): Tensor => apply("stopGradient", [a]);

/** Rows of table [rows, ...] by int indices of any shape: [...indices, ...row]. Indices outside of the table are the caller's fault. */
export const gatherRows = (table: Tensor, indices: Tensor): Tensor => apply("gatherRows", [table, indices]);
/** The reverse: table [rows, ...row] whose rows are the sums of `updates` [...indices, ...row] with their index. */
export const scatterRows = (updates: Tensor, indices: Tensor, rows: number): Tensor => apply("scatterRows", [updates, indices], { rows });

/**
 * log sum over v of exp(<h_n, table_v> + bias_v), for h [n, d], table [v, d], bias [v]: [n]. Safe for any finite logits. O(n v d) and two
 * n x v matrices; see primitives/product-log-sum-exp.ts for its gradient.
 */
export function productLogSumExp(h: Tensor, table: Tensor, bias?: Tensor): Tensor {
  const rows = table.shape.slice(0, 1);
  if (h.shape.length !== 2 || table.shape.length !== 2 || h.shape[1] !== table.shape[1] || (bias && !sameShape(bias.shape, rows))) {
    const given = [h, table, ...(bias ? [bias] : [])].map(describeTensor).join(" and ");
    throw refuse("productLogSumExp", given, "h [n, d], table [v, d], bias [v]");
  }
  const logits = matmul(h, table, { transposeB: true, ...(bias ? { bias } : {}) });
  return apply("productLogSumExp", [h, table, logits, softmax(logits), ...(bias ? [bias] : [])]);
}
