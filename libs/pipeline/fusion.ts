/** One score from the ranks of several sources. */

import type { CandidateTable } from "./pipeline.ts";

/**
 * Softens the head of a list. 60 in the paper's unweighted form (Cormack, Clarke and Büttcher, SIGIR 2009); smaller here, since
 * the weights are learned and only the first dozen places matter.
 */
const rankOffset = 10;

export const reciprocalRank = (rank: number): number => (rank === 0 ? 0 : 1 / (rank + rankOffset));

/** Weighted reciprocal rank fusion: sum over the sources of weight / (rank + 10); a source without a weight counts 1. */
export function fuseRanks(table: CandidateTable, weights: Readonly<Record<string, number>>): Float64Array {
  const scores = new Float64Array(table.items.length);
  for (const { source, ranks } of table.sources) {
    const weight = weights[source] ?? 1;
    for (let i = 0; i < ranks.length; i++) scores[i]! += weight * reciprocalRank(ranks[i]!);
  }
  return scores;
}
