import { hitPlaces, type Metric } from "./metric.ts";

/** Discount of place i (from 1): 1/log2(i+1), as in Järvelin and Kekäläinen (2002) with binary gains. */
const discount = (place: number): number => 1 / Math.log2(place + 1);

/** Normalised discounted cumulative gain, in [0, 1]; the ideal list is cut at min(m, k). */
export const ndcg: Metric = {
  name: "ndcg",
  of: (list, relevant, k) => {
    if (relevant.size === 0) return null;
    const gain = hitPlaces(list, relevant, k).reduce((sum, place) => sum + discount(place), 0);
    let ideal = 0;
    for (let place = 1; place <= Math.min(relevant.size, k); place++) ideal += discount(place);
    return gain / ideal;
  },
};
