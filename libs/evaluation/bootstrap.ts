/** Intervals of a mean over users, by resampling users: a user's weeks depend on each other and are drawn together. */

import { createRandom } from "#libs/core/random.ts";

export interface Interval {
  readonly mean: number;
  /** 2.5 % and 97.5 % of the resampled means (percentile bootstrap; Efron and Tibshirani, 1993, chapter 13). */
  readonly low: number;
  readonly high: number;
  /** Values behind the mean. */
  readonly count: number;
}

/** The values of one user, such as one for each week in which it bought something. */
export interface UserValues {
  readonly sum: number;
  readonly count: number;
}

const nothing: Interval = { mean: Number.NaN, low: Number.NaN, high: Number.NaN, count: 0 };

/** Mean over all values, resampled by user (cluster bootstrap). O(samples x users). Without values NaN and count 0. */
export function bootstrapMean(users: readonly UserValues[], seed: number, samples = 1000): Interval {
  const total = users.reduce((all, { sum, count }) => ({ sum: all.sum + sum, count: all.count + count }), { sum: 0, count: 0 });
  if (total.count === 0) return nothing;
  const random = createRandom(seed, "bootstrap");
  const means = new Float64Array(samples);
  for (let s = 0; s < samples; s++) {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < users.length; i++) {
      const drawn = users[random.below(users.length)]!;
      sum += drawn.sum;
      count += drawn.count;
    }
    means[s] = count === 0 ? 0 : sum / count;
  }
  means.sort();
  const at = (share: number): number => means[Math.min(samples - 1, Math.floor(share * samples))]!;
  return { mean: total.sum / total.count, low: at(0.025), high: at(0.975), count: total.count };
}
