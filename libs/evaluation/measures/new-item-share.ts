import { secondsPerDay } from "#libs/core/clock.ts";
import { listOf } from "../lists.ts";
import { type Measure, meanOf } from "./measure.ts";

/** An item is new for so long after its first interaction in the training part; an item without any is new, too. */
export const newItemDays = 28;

/** Share of a list that is new, mean over lists that hold something. */
export const newItemShare: Measure = {
  name: "new-item share",
  of: ({ lists, cases, firstSeen }) =>
    meanOf(
      Array.from(cases.users, (_, c) => {
        const since = cases.nowSeconds[c]! - newItemDays * secondsPerDay;
        const list = listOf(lists, c);
        return list.length === 0 ? Number.NaN : list.filter((item) => firstSeen[item]! >= since).length / list.length;
      }),
    ),
};
