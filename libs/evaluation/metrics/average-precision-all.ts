import { hitPlaces, type Metric } from "./metric.ts";

/**
 * Average precision over all m relevant items, in [0, 1]: `1/m * sum_{i<=k} rel_i * hits(i)/i`. With m > k it cannot reach 1; some
 * libraries call this MAP@k. Never compare it with `map`.
 */
export const averagePrecisionAll: Metric = {
  name: "map(m)",
  of: (list, relevant, k) => {
    if (relevant.size === 0) return null;
    return hitPlaces(list, relevant, k).reduce((total, place, hits) => total + (hits + 1) / place, 0) / relevant.size;
  },
};
