/** Differences of features, summed up by name. */

export interface FeatureSkew {
  readonly feature: string;
  readonly rows: number;
  /** Rows that differ by more than the tolerance. */
  readonly differ: number;
  /** Absolute differences over all rows. */
  readonly maxDifference: number;
  readonly meanDifference: number;
}

export interface Differences {
  add(feature: string, served: number, again: number): void;
  /** Those that differ most often first, then by the largest difference, then in the order of their first row. */
  list(): FeatureSkew[];
}

function differenceOf(served: number, again: number): number {
  if (Object.is(served, again)) return 0;
  const difference = Math.abs(served - again);
  // A number against none: as far apart as can be, and still a number in JSON.
  return Number.isFinite(difference) ? difference : Number.MAX_VALUE;
}

/** `tolerance`: absolute for values up to 1, relative to the served value above. */
export function createDifferences(tolerance: number): Differences {
  const sums = new Map<string, { rows: number; differ: number; most: number; mean: number }>();
  return {
    add: (feature, served, again) => {
      const sum = sums.get(feature) ?? { rows: 0, differ: 0, most: 0, mean: 0 };
      const difference = differenceOf(served, again);
      sum.rows++;
      if (!(difference <= tolerance * Math.max(1, Math.abs(served)))) sum.differ++;
      sum.most = Math.max(sum.most, difference);
      sum.mean += (difference - sum.mean) / sum.rows;
      sums.set(feature, sum);
    },
    list: () =>
      [...sums]
        .map(([feature, { rows, differ, most, mean }]) => ({ feature, rows, differ, maxDifference: most, meanDifference: mean }))
        .sort((a, b) => b.differ - a.differ || b.maxDifference - a.maxDifference),
  };
}
