import { hitPlaces, type Metric } from "./metric.ts";

/** 1 when any of the first k places is relevant, else 0. */
export const hitRate: Metric = {
  name: "hr",
  of: (list, relevant, k) => (relevant.size === 0 ? null : hitPlaces(list, relevant, k).length > 0 ? 1 : 0),
};
