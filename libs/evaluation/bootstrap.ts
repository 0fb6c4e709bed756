/** Intervals of means over users, by resampling users: a user's weeks depend on each other and are drawn together. */

import { assert } from "#libs/core/errors.ts";
import { createRandom } from "#libs/core/random.ts";

export interface Interval {
  readonly mean: number;
  /** 2.5 % and 97.5 % of the resampled means (percentile bootstrap; Efron and Tibshirani, 1993, chapter 13). */
  readonly low: number;
  readonly high: number;
  /** Values behind the mean. */
  readonly count: number;
}

/** A mean difference of two runs over the same cases, and how sure its sign is. */
export interface PairedDifference extends Interval {
  /** Two-sided: twice the smaller share of resampled differences on one side of zero, at most 1, at least 2 / (samples + 1). */
  readonly p: number;
}

export const bootstrapSamples = 1000;

const nothing: Interval = { mean: Number.NaN, low: Number.NaN, high: Number.NaN, count: 0 };

interface Clusters {
  readonly sums: Float64Array;
  readonly counts: Float64Array;
}

/** Sums and counts by distinct user, NaN left out; users in order of their number. */
function clusterByUser(values: Float64Array, users: Int32Array): Clusters {
  assert(values.length === users.length, "bootstrap: one user for each value");
  const rowOf = new Map<number, number>();
  for (const user of users) if (!rowOf.has(user)) rowOf.set(user, rowOf.size);
  const clusters = { sums: new Float64Array(rowOf.size), counts: new Float64Array(rowOf.size) };
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) continue;
    const row = rowOf.get(users[i]!)!;
    clusters.sums[row]! += values[i]!;
    clusters.counts[row]!++;
  }
  return clusters;
}

/** Sorted means of resamples; without any value in a resample its mean is 0. */
function resampledMeans({ sums, counts }: Clusters, seed: number, samples: number): Float64Array {
  const random = createRandom(seed, "bootstrap");
  const means = new Float64Array(samples);
  for (let s = 0; s < samples; s++) {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < sums.length; i++) {
      const drawn = random.below(sums.length);
      sum += sums[drawn]!;
      count += counts[drawn]!;
    }
    means[s] = count === 0 ? 0 : sum / count;
  }
  return means.sort();
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

function intervalOf(clusters: Clusters, means: Float64Array): Interval {
  const at = (share: number): number => means[Math.min(means.length - 1, Math.floor(share * means.length))]!;
  const count = total(clusters.counts);
  return { mean: total(clusters.sums) / count, low: at(0.025), high: at(0.975), count };
}

/** Mean of the values that are not NaN, resampled by user (cluster bootstrap). O(samples x users). Without values NaN and count 0. */
export function bootstrapMean(values: Float64Array, users: Int32Array, seed: number, samples = bootstrapSamples): Interval {
  const clusters = clusterByUser(values, users);
  if (total(clusters.counts) === 0) return nothing;
  return intervalOf(clusters, resampledMeans(clusters, seed, samples));
}

/** Mean of `values` less `others`, case by case (both of the same cases), resampled by user. */
export function pairedDifference(
  values: Float64Array,
  others: Float64Array,
  users: Int32Array,
  seed: number,
  samples = bootstrapSamples,
): PairedDifference {
  assert(values.length === others.length, "paired difference: runs over the same cases");
  const clusters = clusterByUser(
    values.map((value, i) => value - others[i]!),
    users,
  );
  if (total(clusters.counts) === 0) return { ...nothing, p: Number.NaN };
  const means = resampledMeans(clusters, seed, samples);
  const below = means.filter((mean) => mean <= 0).length;
  const above = means.filter((mean) => mean >= 0).length;
  const p = Math.min(1, (2 * (Math.min(below, above) + 1)) / (samples + 1));
  return { ...intervalOf(clusters, means), p };
}
