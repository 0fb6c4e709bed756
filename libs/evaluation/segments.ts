/** Parts of the cases for which figures are told apart: who asks, and how old what they took is. */

import type { UserTable } from "#libs/catalog/catalog.ts";
import { secondsPerDay } from "#libs/core/clock.ts";
import { type Cases, historyOf } from "#libs/data/cases.ts";
import { type CaseValues, scoreLists } from "./lists.ts";
import type { MeasureContext } from "./measures/measure.ts";
import { newItemDays } from "./measures/new-item-share.ts";
import type { Metric } from "./metrics/metric.ts";

/** One way to part the cases. */
export interface Segmentation {
  readonly name: string;
  readonly segments: readonly string[];
  /** Segment of each case, -1: in none, [cases]. */
  readonly of: Int8Array;
}

/** Upper bounds of the history-length segments: none, 1 to 4, 5 to 19, 20 to 99, 100 and more. */
const lengthBounds = [0, 4, 19, 99] as const;
const ageBounds = [19, 29, 39, 49, 59] as const;

const boundsNames = (bounds: readonly number[]): string[] => [
  ...bounds.map((bound, i) => (i === 0 ? (bound === 0 ? "0" : `up to ${bound}`) : `${bounds[i - 1]! + 1} to ${bound}`)),
  `${bounds.at(-1)! + 1} and more`,
];

const boundOf = (bounds: readonly number[], value: number): number => {
  const at = bounds.findIndex((bound) => value <= bound);
  return at < 0 ? bounds.length : at;
};

/** By length of the history (its first segment is the cold users) and, where users have it, by age. */
export function segmentationsOf(cases: Cases, users: UserTable): Segmentation[] {
  const lengths = Int8Array.from(cases.users, (_, c) => {
    const { start, end } = historyOf(cases, c);
    return boundOf(lengthBounds, end - start);
  });
  const byLength = { name: "history", segments: boundsNames(lengthBounds), of: lengths };
  const age = users.attributes.find(({ name }) => name === "age");
  if (!age) return [byLength];
  const ages = Int8Array.from(cases.users, (user) => {
    const years = Number(age.values[age.codes[user]!] ?? Number.NaN);
    return Number.isNaN(years) ? -1 : boundOf(ageBounds, years);
  });
  return [byLength, { name: "age", segments: boundsNames(ageBounds), of: ages }];
}

/** Values of the cases of one segment; NaN elsewhere. */
export function valuesIn({ of }: Segmentation, segment: number, values: CaseValues): CaseValues {
  return values.map((value, c) => (of[c] === segment ? value : Number.NaN));
}

/** A metric over what is new and what is not among the items taken: whether lists keep up with the catalogue. By "new" and "older". */
export function valuesByItemAge({ lists, cases, firstSeen: first }: MeasureContext, metric: Metric, k: number): Map<string, CaseValues> {
  const parts = new Map<string, CaseValues>();
  const since = cases.endSeconds - newItemDays * secondsPerDay;
  for (const [name, counts] of [
    ["new", (item: number) => first[item]! >= since],
    ["older", (item: number) => first[item]! < since],
  ] as const) {
    parts.set(name, [...scoreLists(lists, cases, [metric], [k], counts).values()][0]!);
  }
  return parts;
}
