/**
 * Training of LightGCN (He et al., SIGIR 2020). With A the normalised adjacency and E the embeddings, what is ranked by is
 * Z/(L + 1), Z = (I + A + A² + ... + A^L) E, worked out as Z = E + A(E + A(E + ...)): one sparse product a layer and no layer kept.
 * A is symmetric, so the gradient goes back through the same products: dE = (I + A + ... + A^L) dZ.
 */

import type { Progress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import type { RecentGraph } from "#libs/models/lightgcn/graph.ts";
import { sampleTriples } from "#libs/models/lightgcn/sampler.ts";
import type { LightGcnSettings } from "#libs/models/lightgcn/settings.ts";
import { normalizedAdjacency } from "#libs/sparse/csr.ts";
import { createPace, type Pace } from "#libs/sparse/pace.ts";
import { createPool, type Pool } from "#libs/sparse/pool.ts";
import { adamDefaults, open, type SpmmTask } from "#libs/sparse/spmm-worker.ts";
import { type Block, createArena, openKernels, type SparseKernels } from "#libs/sparse/wasm.ts";

export interface LightGcnModel {
  readonly d: number;
  /** Final (mean over layers), row-major [graph items, d]. */
  readonly itemVectors: Float32Array;
  /** The same of users, [graph users, d]; not served, for tests and comparisons. */
  readonly userVectors: Float32Array;
  /** Mean BPR loss of each epoch. */
  readonly losses: readonly number[];
}

/** One pass of training at work: matrices [nodes, d] in shared memory, node u < users a user, users + i an item. */
interface Trainer {
  readonly graph: RecentGraph;
  readonly settings: LightGcnSettings;
  readonly kernels: SparseKernels;
  readonly pool: Pool<SpmmTask, undefined>;
  /** Row ranges with about the same number of entries, for the workers. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly nodes: number;
  readonly embeddings: Block<Float32Array>;
  readonly gradient: Block<Float32Array>;
  readonly first: Block<Float32Array>;
  readonly second: Block<Float32Array>;
  readonly ping: Block<Float32Array>;
  readonly pong: Block<Float32Array>;
  /** Columns of the triples of a step: users, positives, negatives behind one another. */
  readonly triples: Block<Int32Array>;
  readonly batch: number;
}

/** Memory: 24 bytes a node and dimension, 16 an edge. Deterministic under `seed`, whatever the number of threads. */
export async function fitLightGcn(
  graph: RecentGraph,
  settings: LightGcnSettings,
  seed: number,
  threads: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<LightGcnModel> {
  const pace = createPace(signal);
  await pace.turn();
  const d = settings.dimensions;
  if (graph.userCount === 0) return { d, itemVectors: new Float32Array(0), userVectors: new Float32Array(0), losses: [] };
  const trainer = createTrainer(graph, settings, threads, signal);
  try {
    await initialize(trainer, seed, pace);
    const losses = await train(trainer, seed, progress, pace);
    const final = await propagate(trainer, trainer.embeddings);
    const mean = (from: number, to: number) => final.values.slice(from * d, to * d).map((value) => value / (settings.layers + 1));
    return { d, losses, userVectors: mean(0, graph.userCount), itemVectors: mean(graph.userCount, trainer.nodes) };
  } finally {
    await trainer.pool.close();
  }
}

function createTrainer(graph: RecentGraph, settings: LightGcnSettings, threads: number, signal: AbortSignal): Trainer {
  const d = settings.dimensions;
  const owners = new Int32Array(graph.edges.length);
  for (let user = 0; user < graph.userCount; user++) owners.fill(user, graph.offsets[user], graph.offsets[user + 1]);
  const adjacency = normalizedAdjacency(graph.userCount, graph.items.length, owners, graph.edges);
  const nodes = adjacency.rows;
  const arena = createArena();
  const matrix = () => arena.float32(nodes * d);
  // Few steps an epoch are worse than small ones: a small shop gets at least twenty.
  const batch = Math.max(1, Math.min(settings.batchSize, Math.ceil(graph.edges.length / 20)));
  const input = {
    memory: arena.memory,
    offsets: arena.copyInt32(adjacency.offsets).at,
    indices: arena.copyInt32(adjacency.indices).at,
    values: arena.copyFloat32(adjacency.values).at,
    d,
  };
  const module = new URL("../../sparse/spmm-worker.ts", import.meta.url);
  return {
    graph,
    settings,
    kernels: openKernels(arena.memory),
    pool: createPool({ threads, module, open, input, signal }),
    ranges: evenRanges(adjacency.offsets, Math.max(1, threads) * 4),
    nodes,
    embeddings: matrix(),
    gradient: matrix(),
    first: matrix(),
    second: matrix(),
    ping: matrix(),
    pong: matrix(),
    triples: arena.int32(3 * batch),
    batch,
  };
}

async function initialize({ embeddings, settings }: Trainer, seed: number, pace: Pace): Promise<void> {
  const random = createRandom(seed, "lightgcn embeddings");
  for (let i = 0; i < embeddings.values.length; i++) {
    embeddings.values[i] = settings.initialDeviation * random.normal();
    if (i % 65_536 === 0 && pace.due()) await pace.turn();
  }
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

async function train(trainer: Trainer, seed: number, progress: Progress, pace: Pace): Promise<number[]> {
  const { graph, settings, batch } = trainer;
  const random = createRandom(seed, "lightgcn triples");
  const stepsPerEpoch = Math.ceil(graph.edges.length / batch);
  const steps = stepsPerEpoch * settings.epochs;
  const losses: number[] = [];
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    let loss = 0;
    for (let s = 0; s < stepsPerEpoch; s++) {
      const step = epoch * stepsPerEpoch + s + 1;
      const [users, positives, negatives] = [0, 1, 2].map((part) => trainer.triples.values.subarray(part * batch, (part + 1) * batch));
      sampleTriples(graph, random, users!, positives!, negatives!, batch);
      loss += await takeStep(trainer, step, pace);
      progress({ step: "lightgcn: training", done: step, total: steps, unit: "steps" });
    }
    losses.push(loss / (stepsPerEpoch * batch));
  }
  return losses;
}

/** Forward, loss, backward, Adam; answers the summed loss. */
async function takeStep(trainer: Trainer, step: number, pace: Pace): Promise<number> {
  const { kernels, settings, batch, gradient, embeddings, triples } = trainer;
  const d = settings.dimensions;
  const z = await propagate(trainer, embeddings);
  gradient.values.fill(0);
  const columns = [0, 1, 2].map((part) => triples.at + part * batch * 4);
  const scale = 1 / (settings.layers + 1) ** 2;
  let loss = 0;
  const slice = 16_384;
  for (let from = 0; from < batch; from += slice) {
    const to = Math.min(batch, from + slice);
    loss += kernels.bpr(columns[0]!, columns[1]!, columns[2]!, from, to, z.at, gradient.at, d, scale, 1 / batch);
    if (pace.due()) await pace.turn();
  }
  const back = await propagate(trainer, gradient);
  kernels.addRows(triples.at, 3 * batch, embeddings.at, back.at, d, settings.l2 / batch);
  await pace.turn();
  const rate = (settings.learningRate * Math.sqrt(1 - adamDefaults.beta2 ** step)) / (1 - adamDefaults.beta1 ** step);
  const moments = { w: embeddings.at, g: back.at, m: trainer.first.at, v: trainer.second.at };
  await Promise.all(trainer.ranges.map(([from, to]) => trainer.pool.run({ kind: "adam", ...moments, rate, from, to })));
  return loss;
}

/** (I + A + ... + A^L) x; the answer lies in `ping` or `pong` (x itself without layers) until the next call. */
async function propagate(trainer: Trainer, x: Block<Float32Array>): Promise<Block<Float32Array>> {
  let from = x;
  for (let layer = 0; layer < trainer.settings.layers; layer++) {
    const to = from === trainer.ping ? trainer.pong : trainer.ping;
    const task = { kind: "spmm", x: from.at, b: x.at, y: to.at } as const;
    await Promise.all(trainer.ranges.map(([start, end]) => trainer.pool.run({ ...task, from: start, to: end })));
    from = to;
  }
  return from;
}
