import type { Measure } from "./measure.ts";

/** Gini coefficient of how often each item of the catalogue is recommended: 0 all alike, near 1 a few items fill all lists. */
export const gini: Measure = {
  name: "gini",
  of: ({ lists, catalog }) => {
    const counts = new Float64Array(catalog.itemCount);
    for (const item of lists.items) if (item >= 0) counts[item]!++;
    counts.sort();
    let weighted = 0;
    let total = 0;
    counts.forEach((count, i) => {
      weighted += (2 * (i + 1) - counts.length - 1) * count;
      total += count;
    });
    return total === 0 ? Number.NaN : weighted / (counts.length * total);
  },
};
