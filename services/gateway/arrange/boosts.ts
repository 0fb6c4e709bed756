/** Boosts and buries of the rule file. */

import type { Rescorer } from "#libs/pipeline/pipeline.ts";
import type { GatewayQuery } from "../query.ts";
import type { ActiveBoost } from "../rules/active-rules.ts";

/** Standard deviation of the finite scores; 1 where they are all equal, so that a boost still decides between them. */
export function spreadOf(scores: Float64Array): number {
  const finite = scores.filter(Number.isFinite);
  if (finite.length === 0) return 1;
  const mean = finite.reduce((sum, score) => sum + score / finite.length, 0);
  const variance = finite.reduce((sum, score) => sum + (score - mean) ** 2 / finite.length, 0);
  // What rounding leaves of equal scores is no spread.
  return variance > (1e-12 * mean) ** 2 && Number.isFinite(variance) ? Math.sqrt(variance) : 1;
}

/**
 * Adds ln(factor) standard deviations of this request's scores for every boost that matches, and takes them away for every bury: factors
 * multiply, whatever their order. Added, since a product would push a negative score (a log-odds) the wrong way; in standard deviations,
 * since rankers promise no scale and rank fusion has another one: the order is the same under any a * score + b, a > 0. A score that is
 * not finite stays so and sinks. O(candidates x boosts).
 */
export function boostScores(items: Int32Array, scores: Float64Array, boosts: readonly ActiveBoost[]): Float64Array {
  if (boosts.length === 0) return scores;
  const spread = spreadOf(scores);
  return scores.map((score, position) => {
    let logFactors = 0;
    for (const { matches, logFactor } of boosts) if (matches(items[position]!)) logFactors += logFactor;
    return score + logFactors * spread;
  });
}

export const boosts: Rescorer<GatewayQuery> = {
  name: "boosts",
  rescore: ({ rules }, { items }, scores) => boostScores(items, scores, rules.boosts),
};
