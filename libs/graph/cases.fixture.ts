/** One case at least for each primitive: inputs, and the node made of them. Tests of values, executors and gradients all run over these. */

import { createRandom } from "#libs/core/random.ts";
import * as ops from "./ops.ts";
import { constant, input, parameter, type Tensor } from "./tensor.ts";

export interface Case {
  readonly primitive: string;
  /** What is special here; unique with the primitive. */
  readonly title: string;
  /** Float inputs by name: shape, and how their values are drawn. */
  readonly floats: Readonly<Record<string, readonly number[]>>;
  readonly ints?: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>>;
  /** "positive": in [0.5, 2]; "apart": no two values nearer than 0.05, none near 0, so that kinks stay out of finite differences. */
  readonly draw?: "positive" | "apart";
  build(tensors: Readonly<Record<string, Tensor>>): Tensor;
}

const unary = (primitive: string, apply: (a: Tensor) => Tensor, draw?: "positive" | "apart"): Case => ({
  primitive,
  title: "matrix",
  floats: { a: [3, 4] },
  ...(draw ? { draw } : {}),
  build: ({ a }) => apply(a!),
});

const binary = (primitive: string, apply: (a: Tensor, b: Tensor) => Tensor, draw?: "positive" | "apart"): Case[] =>
  (
    [
      ["equal shapes", [3, 4], [3, 4]],
      ["row", [2, 3, 4], [4]],
      ["both stretch", [2, 1, 4], [3, 1]],
      ["scalar", [], [2, 3]],
    ] as const
  ).map(([title, a, b]) => ({
    primitive,
    title,
    floats: { a, b },
    ...(draw ? { draw } : {}),
    build: (tensors) => apply(tensors.a!, tensors.b!),
  }));

const matmul = (title: string, a: readonly number[], b: readonly number[], options: ops.MatmulOptions): Case => ({
  primitive: "matmul",
  title,
  floats: { a, b },
  build: (tensors) => ops.matmul(tensors.a!, tensors.b!, options),
});

const matmuls: Case[] = [
  matmul("plain", [3, 4], [4, 2], {}),
  matmul("transposed a", [4, 3], [4, 2], { transposeA: true }),
  matmul("transposed b", [3, 4], [2, 4], { transposeB: true, alpha: 0.5 }),
  matmul("both transposed", [4, 3], [2, 4], { transposeA: true, transposeB: true, alpha: 3 }),
  matmul("stack", [2, 3, 4], [2, 4, 2], { alpha: 0.25 }),
  matmul("stack, transposed a", [2, 2, 4, 3], [2, 2, 4, 2], { transposeA: true }),
  matmul("stack, transposed b", [2, 3, 4], [2, 2, 4], { transposeB: true, alpha: 2 }),
  matmul("stack, both transposed", [2, 4, 3], [2, 2, 4], { transposeA: true, transposeB: true }),
  ...[1, 0.5].map(
    (alpha): Case => ({
      primitive: "matmul",
      title: `bias, alpha ${alpha}`,
      floats: { a: [3, 4], b: [2, 4], bias: [2] },
      build: ({ a, b, bias }) => ops.matmul(a!, b!, { transposeB: true, alpha, bias: bias! }),
    }),
  ),
];

const layouts: Case[] = [
  { primitive: "reshape", title: "split", floats: { a: [6, 2] }, build: ({ a }) => ops.reshape(a!, [2, 3, 2]) },
  { primitive: "transpose", title: "three axes", floats: { a: [2, 3, 4] }, build: ({ a }) => ops.transpose(a!, [2, 0, 1]) },
  { primitive: "expand", title: "inner and leading", floats: { a: [3, 1] }, build: ({ a }) => ops.expand(a!, [2, 3, 4]) },
  { primitive: "concat", title: "middle axis", floats: { a: [2, 1, 3], b: [2, 4, 3] }, build: ({ a, b }) => ops.concat([a!, b!, a!], 1) },
  { primitive: "slice", title: "inside", floats: { a: [2, 5, 3] }, build: ({ a }) => ops.slice(a!, 1, 1, 4) },
  { primitive: "slice", title: "from the start", floats: { a: [4, 3] }, build: ({ a }) => ops.slice(a!, -2, 0, 3) },
];

const reductions: Case[] = [
  { primitive: "sum", title: "all", floats: { a: [2, 3] }, build: ({ a }) => ops.sum(a!) },
  { primitive: "sum", title: "inner axis", floats: { a: [2, 3, 4] }, build: ({ a }) => ops.sum(a!, [1]) },
  { primitive: "sum", title: "outer axes, kept", floats: { a: [2, 3, 4] }, build: ({ a }) => ops.sum(a!, [0, -1], { keep: true }) },
  { primitive: "max", title: "last axis", floats: { a: [3, 4] }, draw: "apart", build: ({ a }) => ops.max(a!, [-1]) },
  { primitive: "max", title: "all", floats: { a: [3, 4] }, draw: "apart", build: ({ a }) => ops.max(a!) },
  { primitive: "max", title: "first axis, kept", floats: { a: [3, 4] }, draw: "apart", build: ({ a }) => ops.max(a!, [0], { keep: true }) },
];

const indices = { indices: { shape: [2, 2], values: [4, 0, 4, 1] } } as const;

const normalised: Case[] = [
  { primitive: "softmax", title: "stack", floats: { a: [2, 3, 4] }, build: ({ a }) => ops.softmax(a!) },
  {
    primitive: "layerNorm",
    title: "stack",
    floats: { x: [2, 3, 6], gain: [6], bias: [6] },
    build: ({ x, gain, bias }) => ops.layerNorm(x!, gain!, bias!, 1e-3),
  },
  ...(["mean", "inverse"] as const).map(
    (part): Case => ({
      primitive: part === "mean" ? "layerNormMean" : "layerNormInverse",
      title: "of a node",
      floats: { x: [2, 3, 6], gain: [6], bias: [6] },
      build: ({ x, gain, bias }) => ops.layerNormMoments(ops.layerNorm(x!, gain!, bias!))[part],
    }),
  ),
  {
    primitive: "gatherRows",
    title: "doubles",
    floats: { t: [5, 3] },
    ints: indices,
    build: ({ t, indices: rows }) => ops.gatherRows(t!, rows!),
  },
  {
    primitive: "scatterRows",
    title: "doubles",
    floats: { u: [2, 2, 3] },
    ints: indices,
    build: ({ u, indices: rows }) => ops.scatterRows(u!, rows!, 6),
  },
  {
    primitive: "scatterRows",
    title: "of numbers",
    floats: { u: [2, 2] },
    ints: indices,
    build: ({ u, indices: rows }) => ops.scatterRows(u!, rows!, 5),
  },
  { primitive: "productLogSumExp", title: "no bias", floats: { h: [3, 4], t: [5, 4] }, build: ({ h, t }) => ops.productLogSumExp(h!, t!) },
  {
    primitive: "productLogSumExp",
    title: "bias",
    floats: { h: [3, 4], t: [5, 4], bias: [5] },
    build: ({ h, t, bias }) => ops.productLogSumExp(h!, t!, bias!),
  },
];

export const primitiveCases: readonly Case[] = [
  ...binary("add", ops.add),
  ...binary("sub", ops.sub),
  ...binary("mul", ops.mul),
  ...binary("div", ops.div, "positive"),
  unary("exp", ops.exp),
  unary("log", ops.log, "positive"),
  unary("sqrt", ops.sqrt, "positive"),
  unary("tanh", ops.tanh),
  unary("sigmoid", ops.sigmoid),
  unary("softplus", ops.softplus),
  unary("relu", ops.relu, "apart"),
  unary("stopGradient", (a) => ops.mul(ops.stopGradient(a), a), "positive"),
  {
    primitive: "greater",
    title: "stretches",
    floats: { a: [3, 4], b: [4] },
    draw: "apart",
    build: ({ a, b }) => ops.where(ops.greater(a!, b!), a!, constant(0)),
  },
  {
    primitive: "where",
    title: "int condition, all stretch",
    floats: { a: [2, 1, 4], b: [3, 1] },
    ints: { condition: { shape: [4], values: [0, 1, -2, 0] } },
    build: ({ a, b, condition }) => ops.where(condition!, a!, b!),
  },
  {
    primitive: "where",
    title: "float condition",
    floats: { a: [3, 4], b: [3, 4] },
    build: ({ a, b }) => ops.where(constant(Float32Array.of(0, 1, -0.5, 0)), a!, b!),
  },
  ...reductions,
  ...layouts,
  ...matmuls,
  ...normalised,
];

/** Operations that are made of others. */
export const compositeCases: readonly Case[] = [
  unary("scale", (a) => ops.scale(a, -0.3)),
  unary("shift", (a) => ops.shift(a, 1.7)),
  unary("square", ops.square),
  unary("gelu", ops.gelu),
  unary("mean", (a) => ops.mean(a, [-1])),
  unary("logSumExp", ops.logSumExp),
  unary("sumTo", (a) => ops.sumTo(a, [1, 4])),
  unary("logSumExp of large values", (a) => ops.logSumExp(ops.scale(a, 300))),
  {
    primitive: "productLogSumExp",
    title: "large",
    floats: { h: [3, 4], t: [5, 4] },
    build: ({ h, t }) => ops.productLogSumExp(ops.scale(h!, 150), t!),
  },
];

export interface Drawn {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly floats: Readonly<Record<string, Float64Array>>;
  readonly ints: Readonly<Record<string, Int32Array>>;
}

/** Inputs of a case with values. A case draws the same ones each time. */
export function draw(one: Case): Drawn {
  const random = createRandom(7, `${one.primitive} ${one.title}`);
  const values = (count: number): Float64Array => {
    if (one.draw === "positive") return Float64Array.from({ length: count }, () => 0.5 + 1.5 * random.next());
    if (one.draw !== "apart") return Float64Array.from({ length: count }, () => random.normal());
    const keys = Float64Array.from({ length: count }, () => random.next());
    const ranks = [...keys.keys()].sort((left, right) => keys[left]! - keys[right]!);
    return Float64Array.from(keys, (_, i) => (ranks.indexOf(i) - count / 2 + 0.25 + 0.2 * random.next()) / 4);
  };
  const float = ([name, shape]: [string, readonly number[]], i: number): [string, Tensor] => [
    name,
    // Inputs and parameters take turns: both must do.
    i % 2 === 0 ? input(name, shape) : parameter(name, shape),
  ];
  const floats = Object.entries(one.floats);
  const ints = Object.entries(one.ints ?? {});
  return {
    inputs: Object.fromEntries([
      ...floats.map(float),
      ...ints.map(([name, { shape }]): [string, Tensor] => [name, input(name, shape, "int")]),
    ]),
    floats: Object.fromEntries(floats.map(([name, shape]) => [name, values(shape.reduce((product, size) => product * size, 1))])),
    ints: Object.fromEntries(ints.map(([name, { values: fixed }]) => [name, Int32Array.from(fixed)])),
  };
}

/** Feeds of single-precision sessions. */
export const singles = ({ floats, ints }: Drawn): Record<string, Float32Array | Int32Array> => ({
  ...Object.fromEntries(Object.entries(floats).map(([name, values]) => [name, Float32Array.from(values)])),
  ...ints,
});
