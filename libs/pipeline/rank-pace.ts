/** How many candidates can be ranked in the time that is left, by how long ranking took lately. */

/** One for each pipeline. */
export interface RankPace {
  /** Candidates that are expected to be ranked within so many milliseconds; Infinity before anything was ranked. */
  fits(milliseconds: number): number;
  /** Ranking of so many candidates took so many milliseconds. */
  ranked(candidates: number, milliseconds: number): void;
  /** Ranking of so many candidates was given up after so many milliseconds: it takes at least that. */
  gaveUp(candidates: number, milliseconds: number): void;
}

/** Weight of the newest request: what was seen ten requests ago counts a tenth. */
const newest = 0.2;

/** Times the mean that is set aside: what comes too late is lost whole, what is planned too short costs a few candidates from the end of fusion. */
const reserve = 1.5;

/**
 * Exponentially weighted milliseconds over exponentially weighted candidates. The ratio of the sums, not the mean of the ratios: what a call costs
 * whatever its length would make short lists look slow by the candidate.
 */
export function createRankPace(): RankPace {
  let meanCandidates = 0;
  let meanMs = 0;
  const observe = (candidates: number, milliseconds: number): void => {
    const weight = meanCandidates === 0 ? 1 : newest;
    meanCandidates += weight * (candidates - meanCandidates);
    meanMs += weight * (milliseconds - meanMs);
  };
  return {
    fits: (milliseconds) => (meanMs === 0 ? Number.POSITIVE_INFINITY : Math.floor((milliseconds * meanCandidates) / (reserve * meanMs))),
    ranked: observe,
    gaveUp: (candidates, milliseconds) => {
      // Given up early it says nothing of a pace that is known to be slower.
      if (milliseconds * meanCandidates > meanMs * candidates || meanCandidates === 0) observe(candidates, milliseconds);
    },
  };
}
