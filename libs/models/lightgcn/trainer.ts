/** What a training step works on: matrices [nodes, d] in shared memory (node u < users is a user, users + i an item) and the pool. */

import { createRandom } from "#libs/core/random.ts";
import type { RecentGraph } from "#libs/models/lightgcn/graph.ts";
import type { LightGcnSettings } from "#libs/models/lightgcn/settings.ts";
import { normalizedAdjacency } from "#libs/sparse/csr.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { createPool, type Pool } from "#libs/sparse/pool.ts";
import { adamDefaults, open, type SpmmTask } from "#libs/sparse/spmm-worker.ts";
import { type Arena, type Block, createArena, openKernels, type SparseKernels } from "#libs/sparse/wasm.ts";

export interface Trainer {
  readonly graph: RecentGraph;
  readonly settings: LightGcnSettings;
  readonly arena: Arena;
  readonly kernels: SparseKernels;
  readonly pool: Pool<SpmmTask, number>;
  /** Row ranges with about the same number of entries, for the workers. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly nodes: number;
  /** Values of the adjacency matrix, as training has them now and as they are; edge e's are at e and at twins[e]. */
  readonly weights: Block<Float32Array>;
  readonly fullWeights: Float32Array;
  readonly twins: Int32Array;
  readonly embeddings: Block<Float32Array>;
  readonly gradient: Block<Float32Array>;
  readonly first: Block<Float32Array>;
  readonly second: Block<Float32Array>;
  readonly ping: Block<Float32Array>;
  readonly pong: Block<Float32Array>;
  /** Pairs or triples a step. */
  readonly batch: number;
}

export function createTrainer(graph: RecentGraph, settings: LightGcnSettings, threads: number, signal: AbortSignal): Trainer {
  const d = settings.dimensions;
  const owners = new Int32Array(graph.edges.length);
  for (let user = 0; user < graph.userCount; user++) owners.fill(user, graph.offsets[user], graph.offsets[user + 1]);
  const adjacency = normalizedAdjacency(graph.userCount, graph.items.length, owners, graph.edges);
  const nodes = adjacency.rows;
  const arena = createArena();
  const matrix = () => arena.float32(nodes * d);
  // Few steps an epoch are worse than small ones: a small shop gets at least twenty.
  const batch = Math.max(1, Math.min(settings.batchSize, Math.ceil(graph.edges.length / 20)));
  const weights = arena.copyFloat32(adjacency.values);
  const input = {
    memory: arena.memory,
    offsets: arena.copyInt32(adjacency.offsets).at,
    indices: arena.copyInt32(adjacency.indices).at,
    values: weights.at,
    d,
  };
  const module = new URL("../../sparse/spmm-worker.ts", import.meta.url);
  return {
    graph,
    settings,
    arena,
    kernels: openKernels(arena.memory),
    pool: createPool({ threads, module, open, input, signal }),
    ranges: evenRanges(adjacency.offsets, Math.max(1, threads) * 4),
    nodes,
    weights,
    fullWeights: adjacency.values,
    twins: twinsOf(graph, adjacency.offsets),
    embeddings: matrix(),
    gradient: matrix(),
    first: matrix(),
    second: matrix(),
    ping: matrix(),
    pong: matrix(),
    batch,
  };
}

export async function initialize({ embeddings, settings }: Trainer, seed: number, pace: Pace): Promise<void> {
  const random = createRandom(seed, "lightgcn embeddings");
  for (let i = 0; i < embeddings.values.length; i++) {
    embeddings.values[i] = settings.initialDeviation * random.normal();
    if (i % 65_536 === 0 && pace.due()) await pace.turn();
  }
}

/** Where the matrix has each edge in its item's row; in its user's row it is at its own number. */
function twinsOf({ userCount, edges }: RecentGraph, offsets: Int32Array): Int32Array {
  const next = offsets.slice(userCount);
  return edges.map((item) => next[item]!++);
}

/** Takes edges out of the propagation (share 0) or puts them back (share 1); degrees stay as they are. */
export function setEdges({ weights, fullWeights, twins }: Trainer, edges: Int32Array, share: 0 | 1): void {
  for (const edge of edges) {
    const value = share * fullWeights[edge]!;
    weights.values[edge] = value;
    weights.values[twins[edge]!] = value;
  }
}

export function restoreEdges({ weights, fullWeights }: Trainer): void {
  weights.values.set(fullWeights);
}

/** Rows cut so that each range has about the same number of entries and rows together. */
function evenRanges(offsets: Int32Array, count: number): [number, number][] {
  const rows = offsets.length - 1;
  const total = offsets[rows]! + rows;
  const ranges: [number, number][] = [];
  let from = 0;
  for (let row = 0; row < rows; row++) {
    const reached = offsets[row + 1]! + row + 1;
    if (reached >= (total * (ranges.length + 1)) / count || row + 1 === rows) {
      ranges.push([from, row + 1]);
      from = row + 1;
    }
  }
  return ranges;
}

/** One Adam step by the gradient in `back`; `step` counts from 1, `share` is of the learning rate. */
export async function applyGradient(trainer: Trainer, back: Block<Float32Array>, step: number, share: number): Promise<void> {
  const decayed = 1 - adamDefaults.beta1 ** step;
  const rate = (share * trainer.settings.learningRate * Math.sqrt(1 - adamDefaults.beta2 ** step)) / decayed;
  const moments = { w: trainer.embeddings.at, g: back.at, m: trainer.first.at, v: trainer.second.at };
  await Promise.all(trainer.ranges.map(([from, to]) => trainer.pool.run({ kind: "adam", ...moments, rate, from, to })));
}

/** (I + A + ... + A^layers) x; the answer lies in `ping` or `pong` (x itself without layers) until the next call. */
export async function propagate(trainer: Trainer, x: Block<Float32Array>, layers = trainer.settings.layers): Promise<Block<Float32Array>> {
  let from = x;
  for (let layer = 0; layer < layers; layer++) {
    const to = from === trainer.ping ? trainer.pong : trainer.ping;
    const task = { kind: "spmm", x: from.at, b: x.at, y: to.at } as const;
    await Promise.all(trainer.ranges.map(([start, end]) => trainer.pool.run({ ...task, from: start, to: end })));
    from = to;
  }
  return from;
}
