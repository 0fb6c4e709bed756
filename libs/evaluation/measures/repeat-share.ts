import { historyOf } from "#libs/data/cases.ts";
import { listOf } from "../lists.ts";
import { type Measure, meanOf } from "./measure.ts";

/** Share of a list that the user took before, mean over lists that hold something. */
export const repeatShare: Measure = {
  name: "repeat share",
  of: ({ lists, cases }) =>
    meanOf(
      Array.from(cases.users, (_, c) => {
        const { start, end } = historyOf(cases, c);
        const own = new Set(cases.histories.items.subarray(start, end));
        const list = listOf(lists, c);
        return list.length === 0 ? Number.NaN : list.filter((item) => own.has(item)).length / list.length;
      }),
    ),
};
