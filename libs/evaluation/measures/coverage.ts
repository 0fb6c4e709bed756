import type { Measure } from "./measure.ts";

/** Share of the catalogue that stands in at least one list, in [0, 1]. */
export const coverage: Measure = {
  name: "coverage",
  of: ({ lists, catalog }) => new Set(lists.items.filter((item) => item >= 0)).size / catalog.itemCount,
};
