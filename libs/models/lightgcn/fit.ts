/**
 * Training of LightGCN (He et al., SIGIR 2020). With A the normalised adjacency and E the embeddings, what is ranked by is
 * Z/(L + 1), Z = (I + A + A² + ... + A^L) E, worked out as Z = E + A(E + A(E + ...)): one sparse product a layer and no layer kept.
 * A is symmetric, so the gradient goes back through the same products: dE = (I + A + ... + A^L) dZ.
 */

import { invalid } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import type { RecentGraph } from "#libs/models/lightgcn/graph.ts";
import type { LightGcnSettings } from "#libs/models/lightgcn/settings.ts";
import { scaleStart, startSpectral, startsSpectral } from "#libs/models/lightgcn/start.ts";
import { createLoss } from "#libs/models/lightgcn/steps.ts";
import { applyGradient, createTrainer, initialize, propagate, restoreEdges, type Trainer } from "#libs/models/lightgcn/trainer.ts";
import { holdOut, type ValidationSlice, validate } from "#libs/models/lightgcn/validation.ts";
import { createPace, type Pace } from "#libs/sparse/pace.ts";

/** One row of the learning curve. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Mean loss of the epoch's pairs or triples. */
  readonly loss: number;
  /** NDCG@20 of the held-out slice after the epoch; null where it was not measured. */
  readonly ndcg: number | null;
}

export interface LightGcnModel {
  readonly d: number;
  /** Final (mean over layers; of length 1 where scored by cosine), row-major [graph items, d]. */
  readonly itemVectors: Float32Array;
  /** The same of users, [graph users, d]; not served, for tests and comparisons. */
  readonly userVectors: Float32Array;
  /** What a user who has no row is folded in from, [graph items, d]: the items one layer earlier, (I + ... + A^(L-1)) E. */
  readonly foldVectors: Float32Array;
  /** Mean loss of each epoch. */
  readonly losses: readonly number[];
  readonly curve: readonly EpochRecord[];
  /** The epoch whose embeddings these are. */
  readonly bestEpoch: number;
}

/** Memory: 24 bytes a node and dimension, 16 an edge; softmax besides 20 a pair and dimension. Deterministic under `seed`, whatever the threads.
 *  Throws `cancelled`; `invalid_argument` for dimensions that the kernels cannot take. */
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
  const divisor = settings.loss === "softmax" ? 8 : 4;
  if (d % divisor !== 0) throw invalid("settings.dimensions", `must be a multiple of ${divisor}`);
  const nothing = {
    d,
    itemVectors: new Float32Array(0),
    userVectors: new Float32Array(0),
    foldVectors: new Float32Array(0),
    losses: [],
    curve: [],
    bestEpoch: 0,
  };
  if (graph.userCount === 0) return nothing;
  const slice = holdOut(graph, settings.validationUsers, seed);
  const trainer = createTrainer(slice?.graph ?? graph, settings, threads, signal);
  try {
    await initialize(trainer, seed, pace);
    if (startsSpectral(settings)) await startSpectral(trainer, seed, threads, pace, signal);
    const measure = slice === null ? null : (z: Float32Array) => validate(slice, scoredVectors(z, settings), d, threads, signal);
    const { curve, bestEpoch } = await train(trainer, measure, seed, progress, pace);
    const vectors = await finalVectors(trainer, slice, graph, threads, signal);
    return { d, losses: curve.map(({ loss }) => loss), curve, bestEpoch, ...vectors };
  } finally {
    await trainer.pool.close();
  }
}

type Vectors = Pick<LightGcnModel, "userVectors" | "itemVectors" | "foldVectors">;

/** Propagated over the whole graph: what was held out takes part again. */
async function finalVectors(
  trainer: Trainer,
  slice: ValidationSlice | null,
  graph: RecentGraph,
  threads: number,
  signal: AbortSignal,
): Promise<Vectors> {
  if (slice === null) return readVectors(trainer);
  const whole = createTrainer(graph, trainer.settings, threads, signal);
  try {
    whole.embeddings.values.set(trainer.embeddings.values);
    return await readVectors(whole);
  } finally {
    await whole.pool.close();
  }
}

async function readVectors(trainer: Trainer): Promise<Vectors> {
  const { graph, settings, embeddings } = trainer;
  const split = graph.userCount * settings.dimensions;
  const foldVectors = (await propagate(trainer, embeddings, Math.max(0, settings.layers - 1))).values.slice(split);
  const final = scoredVectors((await propagate(trainer, embeddings)).values, settings);
  return { userVectors: final.slice(0, split), itemVectors: final.slice(split), foldVectors };
}

/** Z/(L + 1), a copy; items of length 1 besides where the score is a cosine (a user's length scales all of the user's scores alike). */
function scoredVectors(z: Float32Array, { layers, dimensions: d, loss, similarity }: LightGcnSettings): Float32Array {
  if (loss === "bpr" || similarity === "product") return z.map((value) => value / (layers + 1));
  const unit = z.slice();
  for (let at = 0; at < unit.length; at += d) {
    let square = 0;
    for (let c = 0; c < d; c++) square += unit[at + c]! ** 2;
    const factor = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let c = 0; c < d; c++) unit[at + c]! *= factor;
  }
  return unit;
}

/** Share of the learning rate after a share of the steps. */
function rateShare({ rateDecay }: LightGcnSettings, done: number): number {
  return rateDecay === "linear" ? 1 - done : 1;
}

type Measure = (z: Float32Array) => Promise<number>;

/** Epochs until the last, or until `patience` measurements in a row were no better; leaves the best embeddings in the trainer. */
async function train(
  trainer: Trainer,
  measure: Measure | null,
  seed: number,
  progress: Progress,
  pace: Pace,
): Promise<{ curve: EpochRecord[]; bestEpoch: number }> {
  const { graph, settings, batch, embeddings } = trainer;
  const random = createRandom(seed, "lightgcn triples");
  const loss = createLoss(trainer);
  if (startsSpectral(settings)) await scaleStart(trainer, loss, random, pace);
  const stepsPerEpoch = Math.ceil(graph.edges.length / batch);
  const curve: EpochRecord[] = [];
  let best: { epoch: number; ndcg: number; embeddings: Float32Array } | null = null;
  let misses = 0;
  for (let epoch = 1; epoch <= settings.epochs && misses < settings.patience; epoch++) {
    let sum = 0;
    for (let s = 1; s <= stepsPerEpoch; s++) {
      const step = (epoch - 1) * stepsPerEpoch + s;
      loss.draw(random);
      const z = await propagate(trainer, embeddings);
      trainer.gradient.values.fill(0);
      sum += await loss.take(z, pace);
      const back = await propagate(trainer, trainer.gradient);
      loss.decay(back);
      await pace.turn();
      await applyGradient(trainer, back, step, rateShare(settings, (step - 1) / (stepsPerEpoch * settings.epochs)));
      progress({ step: "lightgcn: training", done: step, total: stepsPerEpoch * settings.epochs, unit: "steps" });
    }
    const measured = measure !== null && (epoch % settings.validateEvery === 0 || epoch === settings.epochs);
    if (measured) restoreEdges(trainer);
    const ndcg = measured ? await measure((await propagate(trainer, embeddings)).values) : null;
    curve.push({ epoch, loss: sum / (stepsPerEpoch * batch), ndcg });
    if (ndcg === null) continue;
    misses = best !== null && ndcg <= best.ndcg ? misses + 1 : 0;
    if (misses === 0) best = { epoch, ndcg, embeddings: embeddings.values.slice() };
  }
  restoreEdges(trainer);
  if (best !== null) embeddings.values.set(best.embeddings);
  return { curve, bestEpoch: best?.epoch ?? curve.length };
}
