/** What lists are like beyond hits: one number for all lists of a run. */

import type { Catalog } from "#libs/catalog/catalog.ts";
import type { Cases } from "#libs/data/cases.ts";
import type { Lists } from "../lists.ts";

export interface MeasureContext {
  readonly lists: Lists;
  readonly cases: Cases;
  readonly catalog: Catalog;
  /** Interactions of each item in the training part, [items]. */
  readonly popularity: Float64Array;
  /** First interaction of each item in the training part, seconds; Infinity where there is none, [items]. */
  readonly firstSeen: Float64Array;
}

/** What measures read of one set of cases, whatever the lists: two passes over the training part. */
export type CasesContext = Omit<MeasureContext, "lists">;

export function casesContext(cases: Cases, catalog: Catalog): CasesContext {
  return { cases, catalog, popularity: itemPopularity(cases), firstSeen: firstSeen(cases) };
}

export interface Measure {
  /** The field's name; `@k` is added by reports. */
  readonly name: string;
  /** NaN where there is nothing to measure. */
  readonly of: (context: MeasureContext) => number;
}

function firstSeen({ train: { itemCount, items, times } }: Cases): Float64Array {
  const first = new Float64Array(itemCount).fill(Number.POSITIVE_INFINITY);
  for (let i = 0; i < items.length; i++) first[items[i]!] = Math.min(first[items[i]!]!, times[i]!);
  return first;
}

function itemPopularity({ train }: Cases): Float64Array {
  const counts = new Float64Array(train.itemCount);
  for (const item of train.items) counts[item]!++;
  return counts;
}

/** Mean of what is not NaN; NaN of nothing. */
export function meanOf(values: Iterable<number>): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return count === 0 ? Number.NaN : sum / count;
}
