import { hitPlaces, type Metric } from "./metric.ts";

/** 1 over the place of the first hit, 0 when none is in the first k. Source: Voorhees, TREC-8 question answering track (1999). */
export const reciprocalRank: Metric = {
  name: "mrr",
  of: (list, relevant, k) => (relevant.size === 0 ? null : 1 / (hitPlaces(list, relevant, k)[0] ?? Number.POSITIVE_INFINITY)),
};
