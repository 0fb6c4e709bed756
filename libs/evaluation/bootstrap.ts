/** Intervals of a mean over users, by resampling users. */

import { createRandom } from "#libs/core/random.ts";

export interface Interval {
  readonly mean: number;
  /** 2.5 % and 97.5 % of the resampled means (percentile bootstrap; Efron and Tibshirani, 1993, chapter 13). */
  readonly low: number;
  readonly high: number;
  /** Values behind the mean. */
  readonly count: number;
}

/** O(samples x values). An empty list gives NaN and count 0. */
export function bootstrapMean(values: ArrayLike<number>, seed: number, samples = 1000): Interval {
  const count = values.length;
  if (count === 0) return { mean: Number.NaN, low: Number.NaN, high: Number.NaN, count };
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i]!;
  const random = createRandom(seed, "bootstrap");
  const means = new Float64Array(samples);
  for (let s = 0; s < samples; s++) {
    let total = 0;
    for (let i = 0; i < count; i++) total += values[random.below(count)]!;
    means[s] = total / count;
  }
  means.sort();
  const at = (share: number): number => means[Math.min(samples - 1, Math.floor(share * samples))]!;
  return { mean: sum / count, low: at(0.025), high: at(0.975), count };
}
