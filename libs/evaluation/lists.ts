/** Recommended lists of many cases, and each case's value of each metric. */

import { assert } from "#libs/core/errors.ts";
import type { Cases } from "#libs/data/cases.ts";
import type { Metric } from "./metrics/metric.ts";

export interface Lists {
  /** Places a list. */
  readonly k: number;
  /** Item indexes, best first, [cases x k]; -1 fills a short list. */
  readonly items: Int32Array;
}

/** Packs lists; what is beyond k is cut. */
export function packedLists(lists: Iterable<ArrayLike<number>>, count: number, k: number): Lists {
  const items = new Int32Array(count * k).fill(-1);
  let c = 0;
  for (const list of lists) {
    for (let i = 0; i < Math.min(k, list.length); i++) items[c * k + i] = list[i]!;
    c++;
  }
  assert(c === count, `lists: ${c} of ${count} cases`);
  return { k, items };
}

/** The list of a case without its filling. */
export function listOf({ k, items }: Lists, c: number): Int32Array {
  const list = items.subarray(c * k, (c + 1) * k);
  const end = list.indexOf(-1);
  return end < 0 ? list : list.subarray(0, end);
}

/** Values of one metric by case, [cases]; NaN where a case has none. */
export type CaseValues = Float64Array;

/** What a case took, restricted to items for which `counts` holds. */
export function relevantOf({ offsets, items }: Cases, c: number, counts?: (item: number) => boolean): Set<number> {
  const taken = items.subarray(offsets[c], offsets[c + 1]);
  return new Set(counts ? taken.filter(counts) : taken);
}

/** Name of a figure, such as "map@12". */
export const figureName = (metric: Metric, k: number): string => `${metric.name}@${k}`;

/** Every metric at every length, by figure name. O(cases x metrics x k). */
export function scoreLists(
  lists: Lists,
  cases: Cases,
  metrics: readonly Metric[],
  ks: readonly number[],
  counts?: (item: number) => boolean,
): Map<string, CaseValues> {
  const count = cases.users.length;
  const values = new Map<string, CaseValues>();
  for (const k of ks) for (const metric of metrics) values.set(figureName(metric, k), new Float64Array(count).fill(Number.NaN));
  for (let c = 0; c < count; c++) {
    const list = listOf(lists, c);
    const relevant = relevantOf(cases, c, counts);
    for (const k of ks) {
      for (const metric of metrics) values.get(figureName(metric, k))![c] = metric.of(list, relevant, k) ?? Number.NaN;
    }
  }
  return values;
}
