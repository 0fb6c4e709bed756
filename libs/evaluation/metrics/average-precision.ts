import { hitPlaces, type Metric } from "./metric.ts";

/**
 * Average precision, in [0, 1]: `1/min(m,k) * sum_{i<=k} rel_i * hits(i)/i` with m relevant items. Its mean is MAP@k as in
 * Kaggle's H&M competition (over users with m >= 1).
 */
export const averagePrecision: Metric = {
  name: "map",
  of: (list, relevant, k) => {
    if (relevant.size === 0) return null;
    const sum = hitPlaces(list, relevant, k).reduce((total, place, hits) => total + (hits + 1) / place, 0);
    return sum / Math.min(relevant.size, k);
  },
};
