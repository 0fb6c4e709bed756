import { historyOf } from "#libs/data/cases.ts";
import { listOf } from "../lists.ts";
import { type Measure, meanOf } from "./measure.ts";

/**
 * How much more popular lists are than what their users took before: mean popularity of the lists over that of the histories, less 1
 * (Abdollahpouri et al., RMSE 2019). 0: as popular as the users' own taste. Cases without history are left out.
 */
export const popularityLift: Measure = {
  name: "popularity lift",
  of: ({ lists, cases, popularity }) => {
    const pairs = Array.from(cases.users, (_, c) => {
      const { start, end } = historyOf(cases, c);
      const own = meanOf(Array.from(cases.histories.items.subarray(start, end), (item) => popularity[item]!));
      return { own, list: meanOf(Array.from(listOf(lists, c), (item) => popularity[item]!)) };
    }).filter(({ own, list }) => own > 0 && !Number.isNaN(list));
    return meanOf(pairs.map(({ list }) => list)) / meanOf(pairs.map(({ own }) => own)) - 1;
  },
};
