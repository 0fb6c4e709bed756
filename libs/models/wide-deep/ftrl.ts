/**
 * FTRL-Proximal with L1 (McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013, doi 10.1145/2487575.2488200, algorithm 1): the wide
 * part's optimizer, as in its paper. A weight stays exactly 0 until its gradients have summed to more than the L1.
 */

export interface FtrlSettings {
  readonly alpha: number;
  readonly l1: number;
  readonly l2: number;
}

export interface Ftrl {
  readonly settings: FtrlSettings;
  /** [buckets], as is `sums` (z) and `squares` (n). */
  readonly weights: Float32Array;
  readonly sums: Float32Array;
  readonly squares: Float32Array;
}

/** The paper's beta. */
const beta = 1;

export function createFtrl(buckets: number, settings: FtrlSettings): Ftrl {
  return { settings, weights: new Float32Array(buckets), sums: new Float32Array(buckets), squares: new Float32Array(buckets) };
}

/** One step of one weight by its gradient, summed over the batch. */
export function stepFtrl({ settings: { alpha, l1, l2 }, weights, sums, squares }: Ftrl, bucket: number, gradient: number): void {
  if (gradient === 0) return;
  const before = squares[bucket]!;
  const after = before + gradient * gradient;
  const sigma = (Math.sqrt(after) - Math.sqrt(before)) / alpha;
  const sum = sums[bucket]! + gradient - sigma * weights[bucket]!;
  squares[bucket] = after;
  sums[bucket] = sum;
  weights[bucket] = Math.abs(sum) <= l1 ? 0 : -(sum - Math.sign(sum) * l1) / ((beta + Math.sqrt(after)) / alpha + l2);
}
