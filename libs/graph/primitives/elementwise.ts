/** Elementwise operations, with numpy's broadcasting where there are two inputs or more. */

import { broadcastShapes, refuse } from "../dims.ts";
import { describeTensor, type Tensor } from "../tensor.ts";
import {
  broadcastPositions,
  definePrimitive,
  emitted,
  type Ops,
  type Primitive,
  requireFloats,
  type Tfjs,
  type TfTensor,
} from "./primitive.ts";

function forwardBinary(combine: (a: number, b: number) => number): Primitive["forward"] {
  return (inputs, _, shape) => {
    const [a, b] = [inputs[0]!, inputs[1]!];
    const [ofA, ofB] = [broadcastPositions(shape, a.shape), broadcastPositions(shape, b.shape)];
    return Float64Array.from(ofA, (at, i) => combine(a.data[at]!, b.data[ofB[i]!]!));
  };
}

interface Binary {
  readonly name: string;
  readonly operator: string;
  readonly combine: (a: number, b: number) => number;
  readonly tfjs: (tf: Tfjs, a: TfTensor, b: TfTensor) => TfTensor;
  /** Gradients of the broadcast shape; they are summed down to the inputs' shapes here. */
  readonly gradient: (a: Tensor, b: Tensor, upstream: Tensor, ops: Ops, result: Tensor) => readonly [Tensor, Tensor];
}

const binary = ({ name, operator, combine, tfjs, gradient }: Binary): Primitive =>
  definePrimitive({
    name,
    infer: (inputs) => {
      requireFloats(name, inputs, 2);
      return { shape: broadcastShapes(name, [inputs[0]!.shape, inputs[1]!.shape]), kind: "float" };
    },
    forward: forwardBinary(combine),
    gradient: (node, upstream, ops) => {
      const [a, b] = [node.inputs[0]!, node.inputs[1]!];
      const [ofA, ofB] = gradient(a, b, upstream, ops, node);
      return [ops.sumTo(ofA, a.shape), ops.sumTo(ofB, b.shape)];
    },
    onnx: (node, emit) => emit.add(operator, emitted(node, emit)),
    tfjs: (tf, inputs) => tfjs(tf, inputs[0]!, inputs[1]!),
  });

interface Unary {
  readonly name: string;
  readonly operator: string;
  readonly value: (a: number) => number;
  readonly tfjs: (tf: Tfjs, a: TfTensor) => TfTensor;
  readonly gradient: (a: Tensor, upstream: Tensor, ops: Ops, result: Tensor) => Tensor;
}

const unary = ({ name, operator, value, tfjs, gradient }: Unary): Primitive =>
  definePrimitive({
    name,
    infer: (inputs) => {
      requireFloats(name, inputs, 1);
      return { shape: inputs[0]!.shape, kind: "float" };
    },
    forward: (inputs) => inputs[0]!.data.map(value),
    gradient: (node, upstream, ops) => [gradient(node.inputs[0]!, upstream, ops, node)],
    onnx: (node, emit) => emit.add(operator, emitted(node, emit)),
    tfjs: (tf, inputs) => tfjs(tf, inputs[0]!),
  });

const logistic = (a: number): number => (a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)));

const softplus = definePrimitive({
  ...unary({
    name: "softplus",
    operator: "Softplus",
    value: (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))),
    tfjs: (tf, a) => tf.softplus(a),
    gradient: (a, upstream, ops) => ops.mul(upstream, ops.sigmoid(a)),
  }),
  onnx: (node, emit) => {
    const inputs = emitted(node, emit);
    if (emit.precision === "float32") return emit.add("Softplus", inputs);
    // ONNX Runtime has no Softplus of doubles.
    const power = emit.add("Exp", emit.add("Neg", emit.add("Abs", inputs)))[0]!;
    const tail = emit.add("Log", emit.add("Add", [power, emit.float(1)]))[0]!;
    return emit.add("Add", [emit.add("Relu", inputs)[0]!, tail]);
  },
});

/** 1 where a > b. Its gradient is zero. */
const greater = definePrimitive({
  name: "greater",
  infer: (inputs) => {
    requireFloats("greater", inputs, 2);
    return { shape: broadcastShapes("greater", [inputs[0]!.shape, inputs[1]!.shape]), kind: "bool" };
  },
  forward: forwardBinary((a, b) => (a > b ? 1 : 0)),
  gradient: "none",
  onnx: (node, emit) => emit.add("Greater", emitted(node, emit)),
  tfjs: (tf, inputs) => tf.greater(inputs[0]!, inputs[1]!),
});

/** a where the condition holds (a float or int condition: is not zero), else b. */
const where = definePrimitive({
  name: "where",
  infer: (inputs) => {
    const [condition, a, b] = inputs;
    if (!condition || a?.kind !== "float" || b?.kind !== "float") {
      throw refuse("where", inputs.map(describeTensor).join(" and "), "a condition and two float tensors");
    }
    return { shape: broadcastShapes("where", [condition.shape, a.shape, b.shape]), kind: "float" };
  },
  forward: (inputs, _, shape) => {
    const [condition, a, b] = inputs.map((value) => {
      const from = broadcastPositions(shape, value.shape);
      return (i: number): number => value.data[from[i]!]!;
    });
    return Float64Array.from(broadcastPositions(shape, shape), (i) => (condition!(i) !== 0 ? a!(i) : b!(i)));
  },
  gradient: (node, upstream, ops) => {
    const [condition, a, b] = [node.inputs[0]!, node.inputs[1]!, node.inputs[2]!];
    const zero = ops.zero();
    return [null, ops.sumTo(ops.where(condition, upstream, zero), a.shape), ops.sumTo(ops.where(condition, zero, upstream), b.shape)];
  },
  onnx: (node, emit) => {
    const [condition, a, b] = emitted(node, emit);
    // 9 is ONNX's number of the type bool.
    const truth = node.inputs[0]!.kind === "bool" ? condition! : emit.add("Cast", [condition!], { to: 9 })[0]!;
    return emit.add("Where", [truth, a!, b!]);
  },
  tfjs: (tf, inputs) => {
    const condition = inputs[0]!.dtype === "bool" ? inputs[0]! : tf.notEqual(inputs[0]!, tf.scalar(0, inputs[0]!.dtype));
    return tf.where(condition, inputs[1]!, inputs[2]!);
  },
});

/** The same value; nothing flows back through it. */
const stopGradient = definePrimitive({
  name: "stopGradient",
  infer: (inputs) => ({ shape: inputs[0]!.shape, kind: inputs[0]!.kind }),
  forward: (inputs) => inputs[0]!.data,
  gradient: "none",
  onnx: (node, emit) => emitted(node, emit),
  tfjs: (_, inputs) => inputs[0]!.clone(),
});

export const elementwise: readonly Primitive[] = [
  binary({
    name: "add",
    operator: "Add",
    combine: (a, b) => a + b,
    tfjs: (tf, a, b) => tf.add(a, b),
    gradient: (_a, _b, upstream) => [upstream, upstream],
  }),
  binary({
    name: "sub",
    operator: "Sub",
    combine: (a, b) => a - b,
    tfjs: (tf, a, b) => tf.sub(a, b),
    gradient: (_a, _b, upstream, ops) => [upstream, ops.scale(upstream, -1)],
  }),
  binary({
    name: "mul",
    operator: "Mul",
    combine: (a, b) => a * b,
    tfjs: (tf, a, b) => tf.mul(a, b),
    gradient: (a, b, upstream, ops) => [ops.mul(upstream, b), ops.mul(upstream, a)],
  }),
  binary({
    name: "div",
    operator: "Div",
    combine: (a, b) => a / b,
    tfjs: (tf, a, b) => tf.div(a, b),
    gradient: (_, b, upstream, ops, result) => {
      const ofA = ops.div(upstream, b);
      return [ofA, ops.scale(ops.mul(ofA, result), -1)];
    },
  }),
  unary({
    name: "exp",
    operator: "Exp",
    value: Math.exp,
    tfjs: (tf, a) => tf.exp(a),
    gradient: (_, upstream, ops, result) => ops.mul(upstream, result),
  }),
  unary({
    name: "log",
    operator: "Log",
    value: Math.log,
    tfjs: (tf, a) => tf.log(a),
    gradient: (a, upstream, ops) => ops.div(upstream, a),
  }),
  unary({
    name: "sqrt",
    operator: "Sqrt",
    value: Math.sqrt,
    tfjs: (tf, a) => tf.sqrt(a),
    gradient: (_, upstream, ops, result) => ops.div(ops.scale(upstream, 0.5), result),
  }),
  unary({
    name: "tanh",
    operator: "Tanh",
    value: Math.tanh,
    tfjs: (tf, a) => tf.tanh(a),
    gradient: (_, upstream, ops, result) => ops.sub(upstream, ops.mul(upstream, ops.square(result))),
  }),
  unary({
    name: "sigmoid",
    operator: "Sigmoid",
    value: logistic,
    tfjs: (tf, a) => tf.sigmoid(a),
    gradient: (_, upstream, ops, result) => ops.mul(upstream, ops.sub(result, ops.square(result))),
  }),
  softplus,
  unary({
    name: "relu",
    operator: "Relu",
    value: (a) => Math.max(a, 0),
    tfjs: (tf, a) => tf.relu(a),
    // 0 at 0, as everywhere.
    gradient: (_, upstream, ops, result) => ops.where(ops.greater(result, ops.zero()), upstream, ops.zero()),
  }),
  greater,
  where,
  stopGradient,
];
