import { type Measure, meanOf } from "./measure.ts";

/**
 * Mean of -log2 of an item's popularity share in the training part, smoothed by one interaction an item: mean self-information
 * (Zhou et al., PNAS 107(10), 2010), in bits.
 */
export const novelty: Measure = {
  name: "novelty",
  of: ({ lists, popularity }) => {
    const total = popularity.reduce((sum, count) => sum + count, popularity.length);
    return meanOf(Array.from(lists.items, (item) => (item < 0 ? Number.NaN : -Math.log2((popularity[item]! + 1) / total))));
  },
};
