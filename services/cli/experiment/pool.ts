/** Values of a model over all sets of cases of an experiment. */

import { type CaseValues, scoreLists } from "#libs/evaluation/lists.ts";
import { measures } from "#libs/evaluation/measures/index.ts";
import { type CasesContext, meanOf } from "#libs/evaluation/measures/measure.ts";
import { metrics } from "#libs/evaluation/metrics/index.ts";
import { type Segmentation, valuesByItemAge } from "#libs/evaluation/segments.ts";
import type { DepthPoint } from "./models.ts";
import type { NamedModel } from "./named-models.ts";
import type { ExperimentOptions } from "./options.ts";
import type { Run } from "./records.ts";

export interface ModelResult {
  /** "itemcf", or "itemcf (tuned)" of a recipe that is not the default one. */
  readonly name: string;
  readonly model: string;
  readonly recipe: string;
  /** Value of every case, by figure name such as "map@12"; pooled over the sets of cases. */
  readonly values: ReadonlyMap<string, CaseValues>;
  /** The first metric at the first k over new and older items, pooled. */
  readonly byItemAge: ReadonlyMap<string, CaseValues>;
  /** Means over the sets of cases, by measure. */
  readonly measures: ReadonlyMap<string, number>;
  readonly fitSeconds: number;
  readonly listSeconds: number;
  /** What the parts of the last fit say of themselves. */
  readonly parts: Readonly<Record<string, unknown>>;
}

/** Columns of one model, joined set after set. */
export interface Pool {
  readonly values: Map<string, CaseValues[]>;
  readonly byItemAge: Map<string, CaseValues[]>;
  readonly measures: Map<string, number[]>;
  fitSeconds: number;
  listSeconds: number;
  parts: Readonly<Record<string, unknown>>;
}

const push = <V>(map: Map<string, V[]>, key: string, value: V): void => {
  map.set(key, [...(map.get(key) ?? []), value]);
};

export function addRun(pool: Pool, run: Run, set: CasesContext, { document }: ExperimentOptions): void {
  const context = { ...set, lists: run.lists };
  for (const [figure, values] of scoreLists(run.lists, set.cases, metrics, document.k)) push(pool.values, figure, values);
  for (const [age, values] of valuesByItemAge(context, metrics[0]!, document.k[0]!)) push(pool.byItemAge, age, values);
  for (const { name, of } of measures) push(pool.measures, name, of(context));
  pool.fitSeconds += run.fitSeconds;
  pool.listSeconds += run.listSeconds;
  pool.parts = run.parts;
}

export function join(columns: readonly CaseValues[]): CaseValues {
  const joined = new Float64Array(columns.reduce((sum, column) => sum + column.length, 0));
  let at = 0;
  for (const column of columns) {
    joined.set(column, at);
    at += column.length;
  }
  return joined;
}

const joinAll = (map: ReadonlyMap<string, CaseValues[]>): Map<string, CaseValues> =>
  new Map([...map].map(([name, columns]) => [name, join(columns)]));

export function joinSegmentations(sets: readonly (readonly Segmentation[])[]): Segmentation[] {
  return (sets[0] ?? []).map(({ name, segments }, s) => ({
    name,
    segments,
    of: Int8Array.from(sets.flatMap((set) => Array.from(set[s]!.of))),
  }));
}

export const emptyPool = (): Pool => ({
  values: new Map(),
  byItemAge: new Map(),
  measures: new Map(),
  fitSeconds: 0,
  listSeconds: 0,
  parts: {},
});

export function modelResult({ name, model, recipeName }: NamedModel, pool: Pool): ModelResult {
  const { values, byItemAge, measures: means, ...rest } = pool;
  return {
    ...rest,
    name,
    model,
    recipe: recipeName,
    values: joinAll(values),
    byItemAge: joinAll(byItemAge),
    measures: new Map([...means].map(([measure, numbers]) => [measure, meanOf(numbers)])),
  };
}

/** Points averaged over the sets. */
export function meanDepth(sets: readonly ReadonlyMap<string, readonly DepthPoint[]>[]): Map<string, DepthPoint[]> {
  const names = [...(sets[0]?.keys() ?? [])];
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return new Map(
    names.map((name) => [
      name,
      sets[0]!.get(name)!.map(({ depth }, d) => ({
        depth,
        candidates: mean(sets.map((set) => set.get(name)![d]!.candidates)),
        recall: mean(sets.map((set) => set.get(name)![d]!.recall)),
      })),
    ]),
  );
}
