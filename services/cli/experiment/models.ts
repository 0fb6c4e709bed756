/** The models that an experiment compares: two baselines, each source alone, their union, and the whole pipeline. */

import { isAvailable } from "#libs/catalog/availability.ts";
import type { Catalog } from "#libs/catalog/catalog.ts";
import { type Clock, secondsPerWeek } from "#libs/core/clock.ts";
import type { Progress } from "#libs/core/progress.ts";
import { type Cases, historyOf } from "#libs/data/cases.ts";
import { type Lists, packedLists } from "#libs/evaluation/lists.ts";
import { eventCode } from "#libs/events/event.ts";
import { catalogAsOf, countItems, type ItemStatistics } from "#libs/features/item-statistics.ts";
import { fuseRanks } from "#libs/pipeline/fusion.ts";
import { orderByScore } from "#libs/pipeline/order.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import { candidatesMax, type FleetModels } from "../../fleet.ts";
import { type CheckpointFileOptions, openCheckpoints } from "../training/checkpoints.ts";
import { fitSources } from "../training/fit-sources.ts";
import type { LabelRecipe } from "../training/label-weeks.ts";
import { type LoadedSource, type OfflineUser, offlineCandidates, offlineUser } from "../training/offline.ts";
import { type OfflineModel, recommendOffline } from "../training/recommend.ts";
import { type FittedSequenceModel, fitSequenceModel, readsSequence, sequenceIdentity, sequenceModel } from "../training/sequence.ts";
import { createReleaseId, type TrainOptions, trainRelease } from "../training/train-release.ts";
import type { EvaluationData } from "./data.ts";
import type { Recipe } from "./document.ts";
import { sequenceLists } from "./sequence-model.ts";

/** Models that no recipe changes. */
export const baselineModels = ["most_popular", "own_recent"] as const;
/** Sources side by side, fused by rank, without a ranker. */
export const unionModel = "union";
/** The pipeline as it serves. */
export const pipelineModel = "modiste";

export interface FitOptions {
  readonly data: EvaluationData;
  readonly models: FleetModels;
  readonly recipe: Recipe;
  readonly labels: LabelRecipe;
  readonly seed: number;
  readonly threads: number;
  readonly codeVersion: string;
  /** For what is fitted; emptied by the caller. */
  readonly store: ReleaseStore;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Where a training that takes long leaves its checkpoints; none without. */
  readonly checkpointing?: Pick<CheckpointFileOptions, "file" | "every" | "onResume">;
}

export interface FittedModels {
  readonly cases: Cases;
  readonly labels: LabelRecipe;
  readonly catalog: Catalog;
  readonly statistics: ItemStatistics;
  readonly sources: readonly LoadedSource[];
  /** Null where only sources were asked for. */
  readonly pipeline: OfflineModel | null;
  /** Null where it was not asked for. */
  readonly sequence: FittedSequenceModel | null;
  /** Seconds that a model's parts took together. */
  readonly fitSeconds: (model: string) => number;
  /** What each part says of itself. */
  readonly parts: Readonly<Record<string, unknown>>;
}

/** By part. SASRec takes long: for the pipeline it is trained where its ranker reads it. */
function trainSettings({ sources, sasrec, ranking }: Recipe): TrainOptions["settings"] {
  return { ...sources, ranking, ...(readsSequence(ranking) ? { [sequenceModel]: sasrec } : {}) };
}

/** Fits what `wanted` models need on the training part of the cases, and nothing else. */
export async function fitModels(options: FitOptions, cases: Cases, wanted: readonly string[]): Promise<FittedModels> {
  const { data, models, recipe, store, labels } = options;
  const past = { ...data, interactions: cases.train, endSeconds: cases.endSeconds };
  const seconds = new Map<string, number>();
  const common = { ...options, codeVersion: options.codeVersion, settings: trainSettings(recipe) };
  const sequence = wanted.includes(sequenceModel)
    ? await timed(seconds, sequenceModel, options.clock, () => fitSequence(options, cases))
    : null;
  if (wanted.includes(unionModel) || wanted.includes(pipelineModel)) {
    let whole = 0;
    const onStep = (step: string, took: number): void => {
      // The model `sasrec` has its own time already.
      if (step !== sequenceModel || !sequence) seconds.set(step, took);
      whole += took;
    };
    const trained = await trainRelease({ ...common, data: past, labels, rankerUsersMax: recipe.ranker_users, onStep });
    const parts: Record<string, unknown> = {};
    for (const { name } of models.sources) parts[name] = (await store.part(trained.manifest, name)).meta();
    if (sequence) parts[sequenceModel] = sequence.part;
    const { model, catalog, statistics } = trained;
    return {
      cases,
      labels,
      catalog,
      statistics,
      sources: model.sources,
      pipeline: model,
      sequence,
      fitSeconds: (name) => seconds.get(name) ?? (name === unionModel || name === pipelineModel ? whole : 0),
      parts,
    };
  }
  const statistics = countItems(cases.train, data.users, cases.endSeconds, labels.targets);
  const catalog = catalogAsOf(data.catalog, statistics);
  const draft = await store.create(createReleaseId(options.clock));
  const sources = await fitSources(
    models.sources.filter(({ name }) => wanted.includes(name)),
    draft,
    {
      ...common,
      interactions: cases.train,
      catalog,
      users: data.users,
      nowSeconds: cases.endSeconds,
      onFitted: (source, took) => seconds.set(source, took),
    },
  );
  const parts: Record<string, unknown> = {};
  for (const { name } of sources) parts[name] = (await draft.readPart(name)).meta();
  if (sequence) parts[sequenceModel] = sequence.part;
  return { cases, labels, catalog, statistics, sources, pipeline: null, sequence, fitSeconds: (name) => seconds.get(name) ?? 0, parts };
}

async function fitSequence(options: FitOptions, cases: Cases): Promise<FittedSequenceModel> {
  const { checkpointing } = options;
  const open = checkpointing && (await openCheckpoints({ ...checkpointing, identity: sequenceIdentity(options, cases.train) }));
  return fitSequenceModel(options, cases, open);
}

async function timed<T>(seconds: Map<string, number>, name: string, clock: Clock, work: () => Promise<T>): Promise<T> {
  const started = clock.monotonicMs();
  const result = await work();
  seconds.set(name, (clock.monotonicMs() - started) / 1000);
  return result;
}

type ListMaker = (user: OfflineUser) => ArrayLike<number> | Promise<ArrayLike<number>>;

/** The user's own distinct items, most recently taken first. */
function ownRecent({ items, types }: OfflineUser, targets: ReadonlySet<number>, k: number): number[] {
  const taken = Array.from(items).filter((_, i) => targets.has(types[i]!));
  return [...new Set(taken.reverse())].slice(0, k);
}

/** Most taken in the last week of the training part, or of all of it where the last week is empty; best first. */
function mostPopular({ train, endSeconds }: Cases, targets: ReadonlySet<number>): number[] {
  const countedSince = (since: number): Float64Array => {
    const counts = new Float64Array(train.itemCount);
    train.items.forEach((item, i) => {
      if (train.times[i]! >= since && targets.has(train.types[i]!)) counts[item]!++;
    });
    return counts;
  };
  const week = countedSince(endSeconds - secondsPerWeek);
  const counts = week.some((count) => count > 0) ? week : countedSince(0);
  const items = [...counts.keys()].filter((item) => counts[item]! > 0);
  return items.sort((a, b) => counts[b]! - counts[a]! || a - b);
}

/** Candidates that a source is asked for to fill k places after the rules took theirs. */
const depthOf = (k: number, user: OfflineUser, { seen }: LabelRecipe): number => k * 3 + (seen === "drop" ? user.items.length : 0);

/** How `model` makes a list of k. */
function listMaker(fitted: FittedModels, model: string, k: number): ListMaker {
  const { cases, labels, catalog, sources, pipeline } = fitted;
  const targets = new Set<number>(labels.targets.map((type) => eventCode[type]));
  if (model === "most_popular") {
    const popular = mostPopular(cases, targets);
    return (user) => {
      const own = new Set(labels.seen === "drop" ? user.items : []);
      const list: number[] = [];
      for (let i = 0; i < popular.length && list.length < k; i++) {
        if (!own.has(popular[i]!) && isAvailable(catalog, popular[i]!, user.nowSeconds, labels.items)) list.push(popular[i]!);
      }
      return list;
    };
  }
  if (model === "own_recent") {
    const listed = (user: OfflineUser) => (item: number) => isAvailable(catalog, item, user.nowSeconds, labels.items);
    return (user) => (labels.seen === "drop" ? [] : ownRecent(user, targets, user.items.length).filter(listed(user)).slice(0, k));
  }
  if (model === pipelineModel) return (user) => recommendOffline(pipeline!, catalog, user, k, labels);
  if (model === unionModel) {
    return (user) => {
      const table = offlineCandidates(sources, user, catalog, pipeline!.quotas, candidatesMax, labels);
      return Array.from(orderByScore(fuseRanks(table, pipeline!.fusion)).subarray(0, k), (position) => table.items[position]!);
    };
  }
  const source = sources.find(({ name }) => name === model)!;
  return (user) => {
    const depth = depthOf(k, user, labels);
    return offlineCandidates([source], user, catalog, { [model]: depth }, depth, labels).items.subarray(0, k);
  };
}

export function caseUser({ cases, labels }: Pick<FittedModels, "cases" | "labels">, data: EvaluationData, c: number): OfflineUser {
  return offlineUser(cases.histories, data.users, cases.users[c]!, cases.nowSeconds[c]!, labels.history);
}

/** The lists of all cases, one after the other. */
export async function makeLists(
  fitted: FittedModels,
  data: EvaluationData,
  model: string,
  k: number,
  options: Pick<FitOptions, "progress" | "signal" | "threads">,
): Promise<Lists> {
  const { cases, catalog, labels } = fitted;
  if (model === sequenceModel) return sequenceLists(fitted.sequence!, cases, catalog, labels, k, options);
  const make = listMaker(fitted, model, k);
  const count = cases.users.length;
  const lists: ArrayLike<number>[] = [];
  for (let c = 0; c < count; c++) {
    if (c % 256 === 0) {
      options.signal.throwIfAborted();
      options.progress({ step: `${model}: lists`, done: c, total: count, unit: "cases" });
    }
    lists.push(await make(caseUser(fitted, data, c)));
  }
  return packedLists(lists, count, k);
}

/** One point of the curve: candidates asked of each source, how many were found in all on average, and the share of what was taken among them. */
export interface DepthPoint {
  readonly depth: number;
  readonly candidates: number;
  readonly recall: number;
}

export const depths = [10, 20, 50, 100, 200, 400] as const;

/** Recall of each source, and of their union, against the length of the list: by source name and `union`. */
export function recallByDepth(fitted: FittedModels, data: EvaluationData): Map<string, DepthPoint[]> {
  const { cases, sources, catalog, labels } = fitted;
  const most = depths.at(-1)!;
  const names = [...sources.map(({ name }) => name), unionModel];
  const found = new Map(names.map((name) => [name, depths.map(() => ({ hits: 0, candidates: 0 }))]));
  let taken = 0;
  for (let c = 0; c < cases.users.length; c++) {
    const user = caseUser(fitted, data, c);
    const truth = new Set(cases.items.subarray(cases.offsets[c], cases.offsets[c + 1]));
    taken += truth.size;
    const own = sources.map(({ name, ...source }) => {
      const { items } = offlineCandidates([{ name, ...source }], user, catalog, { [name]: most }, most, labels);
      return { name, items };
    });
    depths.forEach((depth, d) => {
      const union = new Set<number>();
      for (const { name, items } of own) {
        const head = items.subarray(0, depth);
        for (const item of head) union.add(item);
        const point = found.get(name)![d]!;
        point.candidates += head.length;
        for (const item of head) if (truth.has(item)) point.hits++;
      }
      const all = found.get(unionModel)![d]!;
      all.candidates += union.size;
      for (const item of union) if (truth.has(item)) all.hits++;
    });
  }
  const count = Math.max(1, cases.users.length);
  return new Map(
    [...found].map(([name, points]) => [
      name,
      points.map(({ hits, candidates }, d) => ({
        depth: depths[d]!,
        candidates: candidates / count,
        recall: taken === 0 ? 0 : hits / taken,
      })),
    ]),
  );
}

/** Items that a case took before it, latest first: what a person wants to see beside a list. */
export function recentOf(cases: Cases, c: number, most: number): number[] {
  const { start, end } = historyOf(cases, c);
  return Array.from(cases.histories.items.subarray(Math.max(start, end - most), end)).reverse();
}
