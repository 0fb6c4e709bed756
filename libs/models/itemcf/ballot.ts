/** Votes of one request, summed by item: what every voter adds to, and who added most. */

import type { AllowedRows, CandidateColumns } from "#libs/models/query.ts";
import { createTopCollector } from "#libs/sparse/top-k.ts";

/** Of one synchronous request at a time; empty between requests. 17 bytes an item. */
export interface Ballot {
  /** Reason and `because` of an item are those of its largest single vote. */
  add(item: number, vote: number, reason: number, because: number): void;
  /** The items that got a vote, valid until the next `add`, `best` or `clear`. */
  voted(): Int32Array;
  /** Sum of an item's votes; 0 without one. */
  sum(item: number): number;
  reason(item: number): number;
  because(item: number): number;
  /** Largest sum; 0 when none is above 0. */
  largest(): number;
  /** The best items with sums above 0 that are neither excluded nor filtered away, ties by the lower item; empties the ballot. */
  best(limit: number, excluded: ReadonlySet<number>, allowed: AllowedRows | null): CandidateColumns;
  clear(): void;
}

/** Stands for "no vote yet" among reasons. */
const unvoted = 255;

export function createBallot(itemCount: number): Ballot {
  const sums = new Float32Array(itemCount);
  const highest = new Float32Array(itemCount);
  const reasons = new Uint8Array(itemCount).fill(unvoted);
  const sources = new Int32Array(itemCount);
  const items = new Int32Array(itemCount);
  let count = 0;
  const clear = (): void => {
    for (let v = 0; v < count; v++) {
      sums[items[v]!] = 0;
      reasons[items[v]!] = unvoted;
    }
    count = 0;
  };
  return {
    add: (item, vote, reason, because) => {
      sums[item]! += vote;
      if (reasons[item] === unvoted) items[count++] = item;
      else if (!(vote > highest[item]!)) return;
      highest[item] = vote;
      reasons[item] = reason;
      sources[item] = because;
    },
    voted: () => items.subarray(0, count),
    sum: (item) => sums[item]!,
    reason: (item) => reasons[item]!,
    because: (item) => sources[item]!,
    largest: () => {
      let best = 0;
      for (let v = 0; v < count; v++) best = Math.max(best, sums[items[v]!]!);
      return best;
    },
    best: (limit, excluded, allowed) => {
      const collector = createTopCollector(Math.min(limit, count));
      for (let v = 0; v < count; v++) {
        const item = items[v]!;
        const sum = sums[item]!;
        if (!(sum > 0) || sum < collector.threshold() || excluded.has(item)) continue;
        if (allowed === null || allowed.mask[item] === 1) collector.offer(item, sum);
      }
      const { positions, scores } = collector.take();
      const answer = {
        items: positions,
        scores,
        reasons: Uint8Array.from(positions, (item) => reasons[item]!),
        because: Int32Array.from(positions, (item) => sources[item]!),
      };
      clear();
      return answer;
    },
    clear,
  };
}
