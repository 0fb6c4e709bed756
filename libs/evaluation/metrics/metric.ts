/** What a metric is: one number for one user's list, or null where the user has nothing to find. */

export interface Metric {
  /** The field's name with its variant, such as "map" or "recall(min)"; `@k` is added by reports. */
  readonly name: string;
  /**
   * `list`: recommended item indexes, best first; a double counts once, at its first place. `relevant`: what the user took.
   * Answers null when `relevant` is empty: such users are left out of the mean. O(k).
   */
  readonly of: (list: ArrayLike<number>, relevant: ReadonlySet<number>, k: number) => number | null;
}

/** Places (from 1) of the first occurrences of relevant items among the first k places of the list. */
export function hitPlaces(list: ArrayLike<number>, relevant: ReadonlySet<number>, k: number): number[] {
  const places: number[] = [];
  const met = new Set<number>();
  for (let i = 0; i < Math.min(k, list.length); i++) {
    const item = list[i]!;
    if (met.has(item)) continue;
    met.add(item);
    if (relevant.has(item)) places.push(i + 1);
  }
  return places;
}
