/** A pre-norm transformer block with a full softmax over a tied table: the shape of what is trained here, as small or large as wished. */

import { createRandom } from "#libs/core/random.ts";
import { createGraph, type Graph, gradients } from "./graph.ts";
import * as ops from "./ops.ts";
import { constant, input, nameOf, parameter, type Tensor } from "./tensor.ts";

export interface BlockSizes {
  readonly batch: number;
  readonly length: number;
  readonly width: number;
  readonly hidden: number;
  readonly items: number;
}

export interface Block {
  readonly loss: Tensor;
  /** Last positions' states, [batch, width]. */
  readonly states: Tensor;
  readonly parameters: readonly Tensor[];
  /** Values of parameters and inputs. */
  readonly floats: Readonly<Record<string, Float64Array>>;
  readonly ints: Readonly<Record<string, Int32Array>>;
}

/** x + attention(norm(x)), then + feed forward(norm(x)), for x [batch * length, width] and an additive mask [batch, length, length]. */
export function transformerBlock(
  x: Tensor,
  mask: Tensor,
  weights: (name: string, shape: readonly number[]) => Tensor,
  hidden: number,
): Tensor {
  const [rows, width] = x.shape as readonly [number, number];
  const [batch, length] = mask.shape as readonly [number, number, number];
  const norm = (a: Tensor, name: string): Tensor => ops.layerNorm(a, weights(`${name}.gain`, [width]), weights(`${name}.bias`, [width]));
  const dense = (a: Tensor, name: string, to: number): Tensor =>
    ops.matmul(a, weights(`${name}.weight`, [a.shape[1] as number, to]), { bias: weights(`${name}.bias`, [to]) });
  const attended = norm(x, "norm1");
  const [q, k, v] = ["q", "k", "v"].map((name) => ops.reshape(dense(attended, name, width), [batch, length, width]));
  const scores = ops.add(ops.matmul(q!, k!, { transposeB: true, alpha: 1 / Math.sqrt(width) }), mask);
  const mixed = ops.reshape(ops.matmul(ops.softmax(scores), v!), [rows, width]);
  const after = ops.add(x, dense(mixed, "o", width));
  return ops.add(after, dense(ops.gelu(dense(norm(after, "norm2"), "up", hidden)), "down", width));
}

export function createBlock({ batch, length, width, hidden, items }: BlockSizes): Block {
  const rows = batch * length;
  const random = createRandom(3, "block");
  const normals = (count: number, spread: number): Float64Array => Float64Array.from({ length: count }, () => spread * random.normal());
  const parameters: Tensor[] = [];
  const floats: Record<string, Float64Array> = {};
  const weights = (name: string, shape: readonly number[]): Tensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    floats[name] = normals(count, 1 / Math.sqrt(width)).map((value) => (name.endsWith("gain") ? 1 + value : value));
    parameters.push(parameter(name, shape));
    return parameters.at(-1)!;
  };
  const table = weights("table", [items, width]);
  const positions = weights("positions", [length, width]);
  const ids = input("ids", [batch, length], "int");
  const targets = input("targets", [rows], "int");
  const mask = input("mask", [batch, length, length]);
  const embedded = ops.reshape(ops.add(ops.gatherRows(table, ids), positions), [rows, width]);
  const h = ops.layerNorm(
    transformerBlock(embedded, mask, weights, hidden),
    constant(new Float32Array(width).fill(1)),
    constant(new Float32Array(width)),
  );
  const positive = ops.sum(ops.mul(h, ops.gatherRows(table, targets)), [-1]);
  const loss = ops.mean(ops.sub(ops.productLogSumExp(h, table, weights("bias", [items])), positive));
  const states = ops.reshape(ops.slice(ops.reshape(h, [batch, length, width]), 1, length - 1, length), [batch, width]);
  floats.mask = Float64Array.from({ length: rows * length }, (_, i) => (i % length > Math.floor(i / length) % length ? -1e9 : 0));
  const draw = (): Int32Array => Int32Array.from({ length: rows }, () => random.below(items));
  return { loss, states, parameters, floats, ints: { ids: draw(), targets: draw() } };
}

/** The loss and its gradients with regard to all parameters: outputs `loss` and `d.NAME`. */
export function trainingGraph({ loss, parameters }: Block): Graph {
  const parts = gradients(loss, parameters);
  return createGraph({ loss, ...Object.fromEntries(parts.map((part, i) => [`d.${nameOf(parameters[i]!)}`, part])) });
}
