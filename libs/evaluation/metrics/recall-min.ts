import { hitPlaces, type Metric } from "./metric.ts";

/** Hits among the first k places over min(m, k), in [0, 1]: 1 is always within reach. Some papers call this recall@k. */
export const recallMin: Metric = {
  name: "recall(min)",
  of: (list, relevant, k) => (relevant.size === 0 ? null : hitPlaces(list, relevant, k).length / Math.min(relevant.size, k)),
};
