/** Runs models on one set of cases, from the records where they are there. */

import { availableParallelism } from "node:os";
import { type Cases, casesDigest, sampleCases } from "#libs/data/cases.ts";
import { scoreLists } from "#libs/evaluation/lists.ts";
import { meanOf } from "#libs/evaluation/measures/measure.ts";
import { metrics } from "#libs/evaluation/metrics/index.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { checkpointFile } from "../training/checkpoints.ts";
import type { LabelRecipe } from "../training/label-weeks.ts";
import { sequenceModel } from "../training/sequence.ts";
import type { ExperimentDocument, Recipe } from "./document.ts";
import {
  type DepthPoint,
  type FitOptions,
  type FittedModels,
  fitModels,
  makeLists,
  pipelineModel,
  recallByDepth,
  unionModel,
} from "./models.ts";
import type { NamedModel } from "./named-models.ts";
import type { ExperimentOptions } from "./options.ts";
import type { Run, RunKey } from "./records.ts";

const labelsOf = (document: ExperimentDocument, recipe: Recipe): LabelRecipe => ({
  ...recipe.labels,
  items: document.items,
  seen: document.seen,
  history: document.history,
  targets: document.targets,
});

/** The parts of a recipe that a model depends on. */
function settingsOf({ model, recipe }: NamedModel): unknown {
  if (model === unionModel || model === pipelineModel) return recipe;
  if (model === sequenceModel) return recipe.sasrec;
  return recipe.sources[model] ?? {};
}

/** How a recipe of the document is fitted. */
export function fitOptions(options: Omit<ExperimentOptions, "onCases">, recipe: Recipe): FitOptions {
  const { document, threads, scratch } = options;
  return {
    ...options,
    recipe,
    labels: labelsOf(document, recipe),
    seed: document.seed,
    threads: threads ?? availableParallelism(),
    store: openFolderStore(scratch),
  };
}

/** One file for each training of an experiment. */
function checkpointsOf({ document, data, checkpointFolder }: ExperimentOptions, cases: Cases, recipe: Recipe): FitOptions["checkpointing"] {
  if (!checkpointFolder) return undefined;
  const name = Object.keys(document.recipes).find((known) => document.recipes[known] === recipe) ?? "";
  const file = checkpointFile(checkpointFolder.home, ["experiment", document.name, data.name, cases.name, name]);
  return { file, every: checkpointFolder.every, onResume: (step) => checkpointFolder.onResume(file, step) };
}

export interface SetRunner {
  readonly cases: Cases;
  readonly digest: string;
  run(model: NamedModel): Promise<Run>;
  /** Fits a recipe's sources unless they are already. */
  fitted(recipe: Recipe, wanted: readonly string[]): Promise<FittedModels>;
}

/** Runs models on one set of cases. What a recipe needs for all of its models is fitted once. */
export function createSetRunner(options: ExperimentOptions, cases: Cases, all: readonly NamedModel[]): SetRunner {
  const { document, data, records, clock } = options;
  const digest = casesDigest(cases);
  const k = Math.max(...document.k);
  const fits = new Map<Recipe, { wanted: readonly string[]; fitted: FittedModels }>();
  const keyOf = (named: NamedModel): RunKey => ({
    model: named.model,
    settings: settingsOf(named),
    data: data.fingerprint,
    digest,
    listing: { items: document.items, seen: document.seen, history: document.history, targets: document.targets },
    k,
    seed: document.seed,
    code: options.codeVersion,
  });
  const fitted = async (recipe: Recipe, wanted: readonly string[]): Promise<FittedModels> => {
    const known = fits.get(recipe);
    if (known && (known.fitted.pipeline !== null || wanted.every((model) => known.wanted.includes(model)))) return known.fitted;
    const checkpointing = checkpointsOf(options, cases, recipe);
    const fit = await fitModels({ ...fitOptions(options, recipe), ...(checkpointing ? { checkpointing } : {}) }, cases, wanted);
    fits.set(recipe, { wanted, fitted: fit });
    return fit;
  };
  return {
    cases,
    digest,
    fitted,
    run: async (named) => {
      const key = keyOf(named);
      const recorded = await records.find(key);
      if (recorded) return recorded;
      const missing: string[] = [];
      for (const other of all) {
        if (other.recipe === named.recipe && !(await records.has(keyOf(other)))) missing.push(other.model);
      }
      const fit = await fitted(named.recipe, [...new Set([named.model, ...missing])]);
      const started = clock.monotonicMs();
      const lists = await makeLists(fit, data, named.model, k, fitOptions(options, named.recipe));
      const part = fit.parts[named.model];
      const run: Run = {
        key,
        lists,
        fitSeconds: fit.fitSeconds(named.model),
        listSeconds: (clock.monotonicMs() - started) / 1000,
        parts: named.model === pipelineModel ? fit.parts : part === undefined ? {} : { [named.model]: part },
      };
      const values = scoreLists(lists, cases, metrics, document.k);
      await records.add(run, Object.fromEntries([...values].map(([figure, column]) => [figure, meanOf(column)])));
      if (named.model === sequenceModel) await fit.sequence?.release();
      return run;
    },
  };
}

/** Cases from which recall by list length is measured. */
const depthCases = 2000;

/** Recall by list length of the first recipe's sources. */
export async function depthOfSet(runner: SetRunner, options: ExperimentOptions): Promise<Map<string, DepthPoint[]>> {
  const { document, data, records, models } = options;
  const sources = models.sources.map(({ name }) => name).filter((name) => document.models?.includes(name) ?? true);
  if (sources.length === 0) return new Map();
  const [recipeName] = Object.keys(document.recipes);
  const recipe = document.recipes[recipeName!]!;
  const key = {
    data: data.fingerprint,
    depth: sources,
    recipe,
    digest: runner.digest,
    document: { ...document, models: 0, sensitivity: 0 },
    code: options.codeVersion,
  };
  const known = (await records.findNote(key)) as Record<string, DepthPoint[]> | null;
  if (known) return new Map(Object.entries(known));
  const fitted = await runner.fitted(recipe, sources);
  const points = recallByDepth({ ...fitted, cases: sampleCases(runner.cases, depthCases, document.seed) }, data);
  await records.addNote(key, Object.fromEntries(points));
  return points;
}
