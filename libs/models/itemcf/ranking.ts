/** The choice between a heap and a sort for the k best. */

import type { TopCollector } from "#libs/sparse/top-k.ts";

export type Ranking = Pick<TopCollector, "threshold" | "offer" | "take">;

/** Positions of a sort key: with the 32 bits of a score they fill the 53 of a double. */
const keyPositions = 2 ** 21;

/** How often k must be offered for the heap to win. */
const offeredMax = 16;

/**
 * A way to the k best of at most `offered` positions below `positions`, scores above 0: `heap` (of size k), unless it would keep a good part of what it is offered: then sorting doubles as integers is several times faster. Same result.
 */
export function rankingFor(heap: TopCollector, positions: number, offered: number, k: number): Ranking {
  return offered > offeredMax * k || positions > keyPositions ? heap : createSortedRanking(offered, k);
}

/** For scores above 0 only: their bits ascend as they do. */
function createSortedRanking(offered: number, k: number): Ranking {
  const keys = new Float64Array(offered);
  const bits = new Uint32Array(1);
  const score = new Float32Array(bits.buffer);
  let count = 0;
  return {
    threshold: () => 0,
    offer: (position, value) => {
      score[0] = value;
      keys[count++] = bits[0]! * keyPositions + (keyPositions - 1 - position);
    },
    take: () => {
      const best = keys.subarray(0, count).sort().reverse().subarray(0, k);
      const scores = new Float32Array(best.length);
      const scoreBits = new Uint32Array(scores.buffer);
      const positions = new Int32Array(best.length);
      for (let n = 0; n < best.length; n++) {
        scoreBits[n] = Math.floor(best[n]! / keyPositions);
        positions[n] = keyPositions - 1 - (best[n]! % keyPositions);
      }
      return { positions, scores };
    },
  };
}
