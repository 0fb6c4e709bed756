/** SASRec in an experiment: the whole catalogue ranked by the state of each user, without sources or a ranker. */

import { isAvailable } from "#libs/catalog/availability.ts";
import type { Catalog } from "#libs/catalog/catalog.ts";
import { readEnvironment } from "#libs/config/environment.ts";
import { invalid } from "#libs/core/errors.ts";
import { type Cases, historyOf } from "#libs/data/cases.ts";
import { type Lists, packedLists } from "#libs/evaluation/lists.ts";
import { eventCode } from "#libs/events/event.ts";
import { type ExecutorName, executorNames, openExecutor } from "#libs/graph/executors/executor.ts";
import type { Checkpoint } from "#libs/models/neural/training.ts";
import { encodeUsers } from "#libs/models/sasrec/encoder.ts";
import { fitSasrec, type SasrecModel } from "#libs/models/sasrec/fit.ts";
import { encoderGraph } from "#libs/models/sasrec/network.ts";
import { type SasrecSettings, sasrecSpec } from "#libs/models/sasrec/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import { rankByFactors } from "#libs/sparse/rank.ts";
import type { LabelRecipe } from "../training/label-weeks.ts";
import type { FitOptions } from "./models.ts";

/** SASRec alone, over all items that may be listed. */
export const sequenceModel = "sasrec";

export interface FittedSequenceModel {
  readonly settings: SasrecSettings;
  readonly model: SasrecModel;
  /** Recorded with the run. */
  readonly part: Readonly<Record<string, unknown>>;
}

/** `MODISTE_EXECUTOR`, onnx without. Throws `invalid_argument` for another word. */
export function executorName(word: string | undefined = readEnvironment().MODISTE_EXECUTOR): ExecutorName {
  const name = executorNames.find((known) => known === (word ?? "onnx"));
  if (!name) throw invalid("MODISTE_EXECUTOR", `"${word}" is none of ${executorNames.join(", ")}`);
  return name;
}

export interface CheckpointOptions {
  readonly every: number;
  readonly write: (checkpoint: Checkpoint) => Promise<void>;
  readonly resume: Checkpoint | null;
}

const noCheckpoints: CheckpointOptions = { every: 0, write: async () => undefined, resume: null };

/** Trains on the cases' training part; its own held-out events are the last of that part. */
export async function fitSequenceModel(
  {
    recipe,
    labels,
    data,
    seed,
    threads,
    progress,
    signal,
  }: Pick<FitOptions, "recipe" | "labels" | "data" | "seed" | "threads" | "progress" | "signal">,
  { train }: Pick<Cases, "train">,
  checkpoints: CheckpointOptions = noCheckpoints,
): Promise<FittedSequenceModel> {
  const settings = readSettings(sasrecSpec, recipe.sasrec);
  const targetTypes = new Uint8Array(Object.keys(eventCode).length + 1);
  for (const type of labels.targets) targetTypes[eventCode[type]] = 1;
  const { category, productGroup, attributes } = data.catalog;
  const model = await fitSasrec({
    sequences: { ...train, columns: [category, productGroup, ...attributes] },
    settings,
    targetTypes,
    seen: labels.seen,
    executor: await openExecutor(executorName()),
    seed,
    threads,
    checkpointEvery: checkpoints.every,
    onCheckpoint: checkpoints.write,
    resume: checkpoints.resume,
    progress,
    signal,
  });
  const { steps, bestStep, curve } = model.record;
  return { settings, model, part: { settings, steps, best_step: bestStep, curve } };
}

/** The best k of all items that the rules let be listed, for every case, best first. */
export async function sequenceLists(
  { settings, model }: FittedSequenceModel,
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
