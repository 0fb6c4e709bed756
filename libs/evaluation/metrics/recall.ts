import { hitPlaces, type Metric } from "./metric.ts";

/** Hits among the first k places over all relevant items, in [0, 1]. */
export const recall: Metric = {
  name: "recall",
  of: (list, relevant, k) => (relevant.size === 0 ? null : hitPlaces(list, relevant, k).length / relevant.size),
};
