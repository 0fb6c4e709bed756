/** The state of a user of whom nothing is known. */

import { adamMoments, correctedRate } from "#libs/models/neural/weights.ts";

/** The problem is convex: 60 steps are within 1 % of its end, and later ones change no order. */
const steps = 120;
const rate = 0.05;

/**
 * The state whose softmax over the items is nearest to how often each is taken: what the loss of the training asks of a state without a history. (The mean
 * state of users is worse: their tastes cancel out, and so does much of what all of them have in common.) `vectors` [items, d], `counts` [items].
 * O(items d) a step.
 */
export function stateOfNobody(vectors: Float32Array, counts: Float64Array, d: number): Float32Array {
  const total = Math.max(
    1,
    counts.reduce((sum, count) => sum + count, 0),
  );
  const [state, gradient, first, second] = [0, 0, 0, 0].map(() => new Float64Array(d)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const { beta1, beta2, epsilon } = adamMoments;
  const logits = new Float64Array(counts.length);
  for (let step = 1; step <= steps; step++) {
    softmaxOf(vectors, state, logits);
    gradient.fill(0);
    for (let item = 0; item < counts.length; item++) {
      const surplus = logits[item]! - counts[item]! / total;
      for (let c = 0; c < d; c++) gradient[c]! += surplus * vectors[item * d + c]!;
    }
    for (let c = 0; c < d; c++) {
      first[c] = beta1 * first[c]! + (1 - beta1) * gradient[c]!;
      second[c] = beta2 * second[c]! + (1 - beta2) * gradient[c]! ** 2;
      state[c]! -= (correctedRate(rate, step) * first[c]!) / (Math.sqrt(second[c]!) + epsilon);
    }
  }
  return Float32Array.from(state);
}

/** Writes each item's share. */
function softmaxOf(vectors: Float32Array, state: Float64Array, out: Float64Array): void {
  const d = state.length;
  let most = Number.NEGATIVE_INFINITY;
  for (let item = 0; item < out.length; item++) {
    let logit = 0;
    for (let c = 0; c < d; c++) logit += state[c]! * vectors[item * d + c]!;
    out[item] = logit;
    if (logit > most) most = logit;
  }
  let sum = 0;
  for (let item = 0; item < out.length; item++) sum += out[item] = Math.exp(out[item]! - most);
  for (let item = 0; item < out.length; item++) out[item]! /= sum;
}
