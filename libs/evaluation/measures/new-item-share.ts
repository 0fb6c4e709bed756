import { secondsPerDay } from "#libs/core/clock.ts";
import { listOf } from "../lists.ts";
import { type Measure, meanOf } from "./measure.ts";

/** An item is new for so long after its first interaction in the training part; an item without any is new, too. */
export const newItemDays = 28;

/** First interaction of each item in the training part, seconds; Infinity where there is none, [items]. */
export function firstSeen({ itemCount, items, times }: { itemCount: number; items: Int32Array; times: Uint32Array }): Float64Array {
  const first = new Float64Array(itemCount).fill(Number.POSITIVE_INFINITY);
  for (let i = 0; i < items.length; i++) first[items[i]!] = Math.min(first[items[i]!]!, times[i]!);
  return first;
}

/** Share of a list that is new, mean over lists that hold something. */
export const newItemShare: Measure = {
  name: "new-item share",
  of: ({ lists, cases }) => {
    const first = firstSeen(cases.train);
    return meanOf(
      Array.from(cases.users, (_, c) => {
        const since = cases.nowSeconds[c]! - newItemDays * secondsPerDay;
        const list = listOf(lists, c);
        return list.length === 0 ? Number.NaN : list.filter((item) => first[item]! >= since).length / list.length;
      }),
    );
  },
};
