/** Spectral start: training begins at a low-pass graph filter instead of at noise. */

import type { Random } from "#libs/core/random.ts";
import type { RecentGraph } from "#libs/models/lightgcn/graph.ts";
import type { LightGcnSettings } from "#libs/models/lightgcn/settings.ts";
import type { LossStep } from "#libs/models/lightgcn/steps.ts";
import { propagate, type Trainer } from "#libs/models/lightgcn/trainer.ts";
import { createCsr } from "#libs/sparse/csr.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { openGramOperator } from "#libs/sparse/spectrum.ts";

const oversample = 32;
const iterations = 3;
/** Of the lengths that are tried. */
const smallest = 0.01;
const growth = 1.5;
const factorMax = 1e4;

/** BPR starts at random, as the paper's: its loss falls with the length of any vectors that rank the triples rightly. */
export function startsSpectral({ start, loss }: LightGcnSettings): boolean {
  return start === "spectral" && loss === "softmax";
}

/**
 * Items start at rows of D^p V, V the leading eigenvectors of the item-item graph of propagation (the low-pass filter of GF-CF, Shen et al.,
 * CIKM 2021), of root mean square `smallest`; users at 0, as propagation makes them what the filter does.
 */
export async function startSpectral(trainer: Trainer, seed: number, threads: number, pace: Pace, signal: AbortSignal): Promise<void> {
  const { graph, settings, embeddings } = trainer;
  const d = settings.dimensions;
  const degrees = new Float32Array(graph.items.length);
  for (const item of graph.edges) degrees[item]!++;
  const operator = openGramOperator(userItemMatrix(graph, degrees), Math.ceil((d + oversample) / 8) * 8, threads, signal);
  try {
    const { vectors } = await operator.spectrum(d, iterations, seed);
    await pace.turn();
    for (let at = 0; at < vectors.length; at++) vectors[at]! *= degrees[Math.floor(at / d)]! ** settings.startExponent;
    let square = 0;
    for (const value of vectors) square += value ** 2;
    const scale = square > 0 ? smallest / Math.sqrt(square / vectors.length) : 0;
    embeddings.values.fill(0);
    embeddings.values.set(
      vectors.map((value) => value * scale),
      graph.userCount * d,
    );
  } finally {
    await operator.close();
  }
}

/**
 * Multiplies the embeddings by the factor under which a first batch's loss is smallest: a filter's vectors have directions, but no length that
 * suits the loss. The search goes up by steps of a half.
 */
export async function scaleStart(trainer: Trainer, loss: LossStep, random: Random, pace: Pace): Promise<number> {
  loss.draw(random);
  const z = await propagate(trainer, trainer.embeddings);
  let best = { loss: await loss.take(z, pace), factor: 1 };
  for (let factor = growth; factor < factorMax; factor *= growth) {
    for (let i = 0; i < z.values.length; i++) z.values[i]! *= growth;
    const next = await loss.take(z, pace);
    if (!(next < best.loss)) break;
    best = { loss: next, factor };
  }
  for (let i = 0; i < trainer.embeddings.values.length; i++) trainer.embeddings.values[i]! *= best.factor;
  return best.factor;
}

/** D_U^-1/2 R D_I^-1/2, [users, items]. */
function userItemMatrix({ offsets, edges, userCount }: RecentGraph, degrees: Float32Array) {
  const values = new Float32Array(edges.length);
  for (let user = 0; user < userCount; user++)
    for (let e = offsets[user]!; e < offsets[user + 1]!; e++)
      values[e] = 1 / Math.sqrt((offsets[user + 1]! - offsets[user]!) * degrees[edges[e]!]!);
  return createCsr(userCount, degrees.length, offsets, edges, values);
}
