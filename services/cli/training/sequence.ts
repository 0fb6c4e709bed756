/** SASRec fitted for a release or an experiment. */

import { createHash } from "node:crypto";
import type { Catalog } from "#libs/catalog/catalog.ts";
import { readEnvironment } from "#libs/config/environment.ts";
import { invalid } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { historyBefore } from "#libs/data/splits.ts";
import { eventCode } from "#libs/events/event.ts";
import { type ExecutorName, executorNames, openExecutor } from "#libs/graph/executors/executor.ts";
import type { EventHistory } from "#libs/models/sasrec/encoder.ts";
import { fitSasrec, type SasrecModel } from "#libs/models/sasrec/fit.ts";
import { type SasrecSettings, sasrecSpec } from "#libs/models/sasrec/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import type { ReleaseDraft } from "#libs/release/store.ts";
import type { FleetModels } from "../../fleet.ts";
import { type CheckpointIdentity, type CheckpointOptions, noCheckpoints } from "./checkpoints.ts";
import type { LabelRecipe } from "./label-weeks.ts";

/** SASRec among the models of an experiment, and among the settings of a recipe. */
export const sequenceModel = "sasrec";

/** Whether a ranker with these settings reads SASRec's states. */
export const readsSequence = ({ kind, state }: Readonly<Record<string, unknown>>): boolean => kind === "wide-deep" && state !== "none";

export interface SequenceFit {
  /** Settings that differ from the defaults. */
  readonly recipe: { readonly sasrec: Readonly<Record<string, unknown>> };
  readonly labels: Pick<LabelRecipe, "targets" | "seen">;
  readonly data: { readonly fingerprint: string; readonly catalog: Catalog };
  readonly seed: number;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface FittedSequenceModel {
  readonly settings: SasrecSettings;
  readonly model: SasrecModel;
  /** Recorded with the run. */
  readonly part: Readonly<Record<string, unknown>>;
  /** Called once what was fitted is safe elsewhere: it needs no checkpoint any more. */
  readonly release: () => Promise<void>;
}

/** `MODISTE_EXECUTOR`, onnx without. Throws `invalid_argument` for another word. */
export function executorName(word: string | undefined = readEnvironment().MODISTE_EXECUTOR): ExecutorName {
  const name = executorNames.find((known) => known === (word ?? "onnx"));
  if (!name) throw invalid("MODISTE_EXECUTOR", `"${word}" is none of ${executorNames.join(", ")}`);
  return name;
}

type SequenceEvents = Pick<Interactions, "itemCount" | "offsets" | "items" | "times" | "types">;

/** What a training follows from, threads and executor apart: a checkpoint of another one is not taken. Throws `invalid_argument` for bad settings. */
export function sequenceIdentity(
  { recipe, labels, data, seed }: Pick<SequenceFit, "recipe" | "labels" | "data" | "seed">,
  train: SequenceEvents,
): CheckpointIdentity {
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength, length } of [train.offsets, train.items, train.times, train.types]) {
    hash.update(`${length};`).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  const settings = Object.entries(readSettings(sasrecSpec, recipe.sasrec)).map(([name, value]) => [`settings.${name}`, value]);
  return {
    model: sequenceModel,
    data: data.fingerprint,
    events: hash.digest("hex").slice(0, 16),
    seed,
    targets: labels.targets.join(", "),
    seen: labels.seen,
    ...Object.fromEntries(settings),
  };
}

/** Trains on the cases' training part; its own held-out events are the last of that part. */
export async function fitSequenceModel(
  { recipe, labels, data, seed, threads, progress, signal }: SequenceFit,
  { train }: { readonly train: SequenceEvents },
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
  return { settings, model, part: { settings, steps, best_step: bestStep, curve }, release: checkpoints.remove };
}

/** Users whose histories a part answers for at every load. */
const goldenUsers = 6;

/** Histories of different lengths, spread over the users. */
function goldenHistories(interactions: Interactions, endSeconds: number, length: number): EventHistory[] {
  const stride = Math.max(1, Math.floor(interactions.userCount / goldenUsers));
  const histories: EventHistory[] = [];
  for (let user = 0; user < interactions.userCount && histories.length < goldenUsers; user += stride) {
    const { start, end } = historyBefore(interactions, user, endSeconds);
    const from = Math.max(start, end - length);
    const { items, times, types } = interactions;
    if (end > from) histories.push({ items: items.slice(from, end), times: times.slice(from, end), types: types.slice(from, end) });
  }
  return histories;
}

export interface SequencePartOptions extends Omit<SequenceFit, "data"> {
  readonly data: SequenceFit["data"] & { readonly interactions: Interactions; readonly endSeconds: number };
  readonly models: Pick<FleetModels, "sequence">;
  readonly checkpoints?: CheckpointOptions;
}

/**
 * Trains SASRec on `past` and writes its part; answers what to call when the release is whole. The ranker learns from what happened after `past`, and
 * serves with the same vectors: states of a second training would mean something else.
 */
export async function trainSequencePart(
  options: SequencePartOptions,
  past: Interactions,
  draft: ReleaseDraft,
  catalog: Catalog,
): Promise<() => Promise<void>> {
  const { data, models } = options;
  const { settings, model, release } = await fitSequenceModel(options, { train: past }, options.checkpoints);
  const histories = goldenHistories(data.interactions, data.endSeconds, settings.length);
  const { sequencePart, writeSequencePart } = models.sequence;
  await draft.writePart(sequencePart, (part) => writeSequencePart(part, { catalog, settings, model, histories }));
  return release;
}
