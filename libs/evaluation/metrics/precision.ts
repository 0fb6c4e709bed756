import { hitPlaces, type Metric } from "./metric.ts";

/** Hits among the first k places over k, in [0, 1]; a short list is not forgiven. */
export const precision: Metric = {
  name: "precision",
  of: (list, relevant, k) => (relevant.size === 0 ? null : hitPlaces(list, relevant, k).length / k),
};
