/** Trained numbers in shared memory with their gradients and Adam's moments: embedding tables, and the dense weights of a graph. */

import type { Random } from "#libs/core/random.ts";
import type { Graph } from "#libs/graph/graph.ts";
import { nameOf } from "#libs/graph/tensor.ts";
import type { Arena, Block, SparseKernels } from "#libs/sparse/wasm.ts";

/** A matrix [rows, d], d a multiple of 4; all four blocks have its shape. */
export interface Table {
  readonly rows: number;
  readonly d: number;
  readonly weights: Block<Float32Array>;
  /** Zeros between steps. */
  readonly gradient: Block<Float32Array>;
  readonly first: Block<Float32Array>;
  readonly second: Block<Float32Array>;
}

export function createTable(arena: Arena, rows: number, d: number): Table {
  const block = () => arena.float32(rows * d);
  return { rows, d, weights: block(), gradient: block(), first: block(), second: block() };
}

export function fillNormal(values: Float32Array, deviation: number, random: Random): void {
  for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal();
}

/**
 * Adam (Kingma and Ba, ICLR 2015, doi 10.48550/arXiv.1412.6980) with the second moment of transformers (Vaswani et al., NeurIPS 2017,
 * section 5.3): a longer memory than 0.98 learns slower in the few thousand steps of a recommender.
 */
export const adamMoments = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8 } as const;

/** The rate with the correction of both moments' start at zero; `step` counts from 1. */
export function correctedRate(rate: number, step: number): number {
  const { beta1, beta2 } = adamMoments;
  return (rate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
}

/** One Adam step on the listed rows (distinct), whose gradients become 0. Rows that are not listed keep weights and moments ("lazy" Adam). */
export function stepRows(kernels: SparseKernels, table: Table, rows: Block<Int32Array>, count: number, rate: number): void {
  const { beta1, beta2, epsilon } = adamMoments;
  const { weights, gradient, first, second, d } = table;
  kernels.adamRows(rows.at, count, weights.at, gradient.at, first.at, second.at, d, rate, beta1, beta2, epsilon);
}

/** One Adam step on every row of a table, whose gradients become 0. */
export function stepTable(kernels: SparseKernels, { weights, gradient, first, second }: Table, rate: number): void {
  const { beta1, beta2, epsilon } = adamMoments;
  kernels.adam(weights.at, gradient.at, first.at, second.at, 0, weights.values.length, rate, beta1, beta2, epsilon);
  gradient.values.fill(0);
}

/** The parameters of a graph, one after the other in one table of width 4. */
export interface DenseWeights {
  readonly table: Table;
  /** Views by parameter: weights to feed, and where gradients go. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly gradients: Readonly<Record<string, Float32Array>>;
}

/** Matrices start with normal values of that deviation, vectors at 0, but those named "gain" at 1. */
export function createDenseWeights(arena: Arena, graph: Graph, deviation: number, random: Random): DenseWeights {
  const sizes = graph.parameters.map(({ shape }) => shape.reduce<number>((size, dim) => size * (dim as number), 1));
  const table = createTable(
    arena,
    sizes.reduce((rows, size) => rows + Math.ceil(size / 4), 0),
    4,
  );
  const weights: Record<string, Float32Array> = {};
  const gradients: Record<string, Float32Array> = {};
  let at = 0;
  graph.parameters.forEach((parameter, p) => {
    const { shape } = parameter;
    const name = nameOf(parameter);
    const view = (block: Block<Float32Array>) => block.values.subarray(at, at + sizes[p]!);
    const own = view(table.weights);
    if (shape.length === 2) fillNormal(own, deviation, random);
    else if (name.endsWith("gain")) own.fill(1);
    weights[name] = own;
    gradients[name] = view(table.gradient);
    at += Math.ceil(sizes[p]! / 4) * 4;
  });
  return { table, weights, gradients };
}
