/** Logistic regression on standardised features: the ranker that every other ranker has to beat. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { ModisteError } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";

export interface LogisticSettings {
  readonly epochs: number;
  readonly learningRate: number;
  /** Weight of the squared norm of the coefficients. */
  readonly l2: number;
  readonly batchRows: number;
  readonly seed: number;
}

/** Adam with the paper's moments (Kingma and Ba, 2015, doi 10.48550/arXiv.1412.6980). */
export const logisticDefaults: LogisticSettings = { epochs: 8, learningRate: 0.01, l2: 1e-5, batchRows: 1024, seed: 1 };

export interface LogisticModel {
  /** On raw features: the standardisation is folded in, [features]. */
  readonly coefficients: Float64Array;
  readonly intercept: number;
}

export interface LabelledRows {
  /** Row-major [rows x width]. */
  readonly features: Float32Array;
  readonly width: number;
  /** 1 or 0, [rows]. */
  readonly labels: Uint8Array;
  /** Weight of a row in the loss, [rows]. */
  readonly weights: Float32Array;
}

interface Standardisation {
  readonly mean: Float64Array;
  readonly scale: Float64Array;
}

/** Mean and inverse deviation by column; a constant column gets scale 0 and so no coefficient. */
function standardise({ features, width }: LabelledRows): Standardisation {
  const rows = features.length / width;
  const mean = new Float64Array(width);
  const scale = new Float64Array(width);
  for (let at = 0; at < features.length; at++) mean[at % width]! += features[at]! / rows;
  for (let at = 0; at < features.length; at++) scale[at % width]! += (features[at]! - mean[at % width]!) ** 2 / rows;
  for (let c = 0; c < width; c++) scale[c] = scale[c]! > 1e-12 ? 1 / Math.sqrt(scale[c]!) : 0;
  return { mean, scale };
}

interface AdamState {
  readonly gradient: Float64Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
  step: number;
}

function adamStep(weights: Float64Array, adam: AdamState, rate: number): void {
  adam.step++;
  const first = 1 - 0.9 ** adam.step;
  const second = 1 - 0.999 ** adam.step;
  for (let c = 0; c < weights.length; c++) {
    const g = adam.gradient[c]!;
    adam.first[c] = 0.9 * adam.first[c]! + 0.1 * g;
    adam.second[c] = 0.999 * adam.second[c]! + 0.001 * g * g;
    weights[c]! -= (rate * (adam.first[c]! / first)) / (Math.sqrt(adam.second[c]! / second) + 1e-8);
  }
}

/** Adds the gradient of one row's weighted log loss; answers the row's weight. `weights` ends with the intercept. */
function addGradient(
  rows: LabelledRows,
  row: number,
  { mean, scale }: Standardisation,
  weights: Float64Array,
  gradient: Float64Array,
): number {
  const { features, width } = rows;
  let z = weights[width]!;
  for (let c = 0, at = row * width; c < width; c++, at++) z += weights[c]! * (features[at]! - mean[c]!) * scale[c]!;
  const weight = rows.weights[row]!;
  const error = (1 / (1 + Math.exp(-z)) - rows.labels[row]!) * weight;
  for (let c = 0, at = row * width; c < width; c++, at++) gradient[c]! += error * (features[at]! - mean[c]!) * scale[c]!;
  gradient[width]! += error;
  return weight;
}

/** Deterministic under `settings.seed`. Throws `cancelled` on abort, `failed_precondition` without both labels. O(epochs x rows x width). */
export async function fitLogistic(
  rows: LabelledRows,
  settings: LogisticSettings,
  progress: Progress,
  signal: AbortSignal,
): Promise<LogisticModel> {
  const { width, labels } = rows;
  const count = labels.length;
  const positives = labels.reduce((sum, label) => sum + label, 0);
  if (positives === 0 || positives === count) {
    throw new ModisteError(
      "failed_precondition",
      "one_label_only",
      `the ranker needs bought and unbought candidates, got ${positives} bought of ${count}`,
    );
  }
  const standard = standardise(rows);
  const weights = new Float64Array(width + 1);
  const adam: AdamState = {
    gradient: new Float64Array(width + 1),
    first: new Float64Array(width + 1),
    second: new Float64Array(width + 1),
    step: 0,
  };
  const random = createRandom(settings.seed, "logistic");
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    for (let i = count - 1; i > 0; i--) {
      const j = random.below(i + 1);
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
    // The rate falls to zero along a cosine, so that the last epoch averages instead of wandering.
    const rate = settings.learningRate * 0.5 * (1 + Math.cos((Math.PI * epoch) / settings.epochs));
    for (let from = 0; from < count; from += settings.batchRows) {
      const to = Math.min(count, from + settings.batchRows);
      let weight = 0;
      for (let i = from; i < to; i++) weight += addGradient(rows, order[i]!, standard, weights, adam.gradient);
      for (let c = 0; c <= width; c++)
        adam.gradient[c] = adam.gradient[c]! / Math.max(weight, 1e-12) + (c < width ? settings.l2 * weights[c]! : 0);
      adamStep(weights, adam, rate);
      adam.gradient.fill(0);
      if ((from / settings.batchRows) % 64 === 0) {
        if (signal.aborted) throw new ModisteError("cancelled", "cancelled", "fitting the ranker was stopped");
        await nextTurn();
      }
    }
    progress({ step: "ranking: logistic regression", done: epoch + 1, total: settings.epochs, unit: "epochs" });
  }
  return foldStandardisation(weights, standard);
}

function foldStandardisation(weights: Float64Array, { mean, scale }: Standardisation): LogisticModel {
  const width = mean.length;
  const coefficients = new Float64Array(width);
  let intercept = weights[width]!;
  for (let c = 0; c < width; c++) {
    coefficients[c] = weights[c]! * scale[c]!;
    intercept -= coefficients[c]! * mean[c]!;
  }
  return { coefficients, intercept };
}

/** Log odds for each row of `features` [rows x width]. O(rows x width). */
export function scoreLogistic(model: LogisticModel, features: Float32Array): Float64Array {
  const width = model.coefficients.length;
  const rows = width === 0 ? 0 : features.length / width;
  const scores = new Float64Array(rows);
  for (let row = 0, at = 0; row < rows; row++) {
    let z = model.intercept;
    for (let c = 0; c < width; c++, at++) z += model.coefficients[c]! * features[at]!;
    scores[row] = z;
  }
  return scores;
}
