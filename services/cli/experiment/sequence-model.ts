/** SASRec in an experiment: the whole catalogue ranked by the state of each user, without sources or a ranker. */

import { isAvailable } from "#libs/catalog/availability.ts";
import type { Catalog } from "#libs/catalog/catalog.ts";
import { type Cases, historyOf } from "#libs/data/cases.ts";
import { type Lists, packedLists } from "#libs/evaluation/lists.ts";
import { openExecutor } from "#libs/graph/executors/executor.ts";
import { encodeUsers } from "#libs/models/sasrec/encoder.ts";
import type { SasrecModel } from "#libs/models/sasrec/fit.ts";
import { encoderGraph } from "#libs/models/sasrec/network.ts";
import { rankByFactors } from "#libs/sparse/rank.ts";
import type { LabelRecipe } from "../training/label-weeks.ts";
import { executorName, type FittedSequenceModel } from "../training/sequence.ts";
import type { FitOptions } from "./models.ts";

/** The best k of all items that the rules let be listed, for every case, best first. */
export async function sequenceLists(
  { settings, model }: Pick<FittedSequenceModel, "settings" | "model">,
  cases: Cases,
  catalog: Catalog,
  labels: LabelRecipe,
  k: number,
  { threads, signal }: Pick<FitOptions, "threads" | "signal">,
): Promise<Lists> {
  const states = await caseStates({ settings, model }, cases, labels, { threads, signal });
  const lists: ArrayLike<number>[] = new Array(cases.users.length);
  for (const [nowSeconds, members] of casesByInstant(cases, labels)) {
    const listed = Int32Array.from({ length: catalog.itemCount }, (_, item) => item).filter((item) =>
      isAvailable(catalog, item, nowSeconds, labels.items),
    );
    const found = await rankListed(model, states, members, listed, (c) => seenItems(cases, c, labels), k, threads, signal);
    members.forEach((c, at) => {
      lists[c] = found[at]!;
    });
  }
  return packedLists(lists, lists.length, k);
}

/** Users' states at the instants of their cases, [cases, d]. */
export async function caseStates(
  { settings, model }: Pick<FittedSequenceModel, "settings" | "model">,
  cases: Cases,
  labels: LabelRecipe,
  { threads, signal }: Pick<FitOptions, "threads" | "signal">,
): Promise<Float32Array> {
  const executor = await openExecutor(executorName());
  const session = await executor.open(encoderGraph(settings), { threads });
  try {
    const { items, times, types } = cases.histories;
    const history = (c: number) => {
      const { start, end } = historyOf(cases, c);
      const from = Math.max(start, end - Math.min(settings.length, labels.history));
      return { items: items.subarray(from, end), times: times.subarray(from, end), types: types.subarray(from, end) };
    };
    return await encodeUsers(session, model.weights, model.tables, cases.users.length, history, signal);
  } finally {
    await session.close();
  }
}

/** Which items may be listed depends on the instant, but for policies that know none. */
function casesByInstant({ users, nowSeconds }: Cases, { items }: LabelRecipe): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  users.forEach((_, c) => {
    const key = items === "all" ? 0 : nowSeconds[c]!;
    const group = groups.get(key);
    if (group) group.push(c);
    else groups.set(key, [c]);
  });
  return groups;
}

function seenItems(cases: Cases, c: number, { seen }: LabelRecipe): readonly number[] {
  if (seen === "keep") return [];
  const { start, end } = historyOf(cases, c);
  return [...new Set(cases.histories.items.subarray(start, end))];
}

async function rankListed(
  { tables: { d, items } }: SasrecModel,
  states: Float32Array,
  members: readonly number[],
  listed: Int32Array,
  seenOf: (c: number) => readonly number[],
  k: number,
  threads: number,
  signal: AbortSignal,
): Promise<Int32Array[]> {
  const rowOf = new Map<number, number>();
  const vectors = new Float32Array(listed.length * d);
  listed.forEach((item, row) => {
    rowOf.set(item, row);
    vectors.set(items.subarray(item * d, (item + 1) * d), row * d);
  });
  const users = new Float32Array(members.length * d);
  const seen = members.map((c, at) => {
    users.set(states.subarray(c * d, (c + 1) * d), at * d);
    return seenOf(c)
      .flatMap((item) => rowOf.get(item) ?? [])
      .sort((a, b) => a - b);
  });
  const offsets = new Int32Array(members.length + 1);
  seen.forEach((rows, at) => {
    offsets[at + 1] = offsets[at]! + rows.length;
  });
  const workers = members.length < 64 ? 0 : threads;
  const ranked = await rankByFactors(
    { users, items: vectors, d, seen: { offsets, indices: Int32Array.from(seen.flat()) }, k },
    workers,
    signal,
  );
  return members.map((_, at) => ranked.items.subarray(at * ranked.k, at * ranked.k + ranked.counts[at]!).map((row) => listed[row]!));
}
