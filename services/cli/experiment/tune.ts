/** Search of settings on the validation part. The test part is never read: cases come from before it. */

import { rm } from "node:fs/promises";
import { invalid } from "#libs/core/errors.ts";
import { createRandom } from "#libs/core/random.ts";
import { type Cases, casesDigest, sampleCases } from "#libs/data/cases.ts";
import { scoreLists } from "#libs/evaluation/lists.ts";
import { meanOf } from "#libs/evaluation/measures/measure.ts";
import { metrics } from "#libs/evaluation/metrics/index.ts";
import { sequenceModel } from "../training/sequence.ts";
import { rankingPart } from "../training/train-release.ts";
import { defaultRecipe, type ExperimentDocument, type Recipe, type TuneDocument } from "./document.ts";
import { fitModels, makeLists, pipelineModel, unionModel } from "./models.ts";
import type { ExperimentOptions } from "./options.ts";
import { createSearch, medianStopping, type Stopping, type Trial, type TrialSettings } from "./search.ts";
import { fitOptions } from "./set-runner.ts";
import { casesOf } from "./split-cases.ts";
import { figuresOf } from "./summary.ts";

export interface TuneOptions extends Omit<ExperimentOptions, "onCases"> {
  readonly onTrial: (trial: Trial, number: number, best: Trial) => void;
}

export interface TuneResult {
  readonly figure: string;
  readonly trials: readonly Trial[];
  readonly best: Trial;
  readonly recipe: Recipe;
}

/** Shares of a set's cases after which a trial may be stopped. */
const rungShares = [1 / 9, 1 / 3, 1] as const;

export function withSettings(recipe: Recipe, settings: TrialSettings): Recipe {
  const sources: Recipe["sources"] = { ...recipe.sources };
  const sasrec: Recipe["sasrec"] = { ...recipe.sasrec };
  const ranking: Recipe["ranking"] = { ...recipe.ranking };
  for (const [name, value] of Object.entries(settings)) {
    const [source, setting] = name.split(".") as [string, string];
    if (source === sequenceModel) sasrec[setting] = value;
    else if (source === rankingPart) ranking[setting] = value;
    else sources[source] = { ...sources[source], [setting]: value };
  }
  return { ...recipe, sources, sasrec, ranking };
}

function checkTune({ document, models }: TuneOptions): { tune: TuneDocument; figure: string } {
  const { tune } = document;
  if (!tune) throw invalid("tune", "the document has no section `tune`", "tune_missing");
  const sources = models.sources.map(({ name }) => name);
  const known = [...sources, unionModel, pipelineModel, sequenceModel];
  const tunable = [...sources, sequenceModel, rankingPart];
  if (!known.includes(tune.model)) throw invalid("tune.model", `"${tune.model}" is none of ${known.join(", ")}`, "unknown_model");
  const strange = Object.keys(tune.ranges).filter((name) => !tunable.includes(name.split(".")[0]!));
  if (strange.length > 0) throw invalid("tune.ranges", `${strange.join(", ")}: known are ${tunable.join(", ")}`, "unknown_source");
  const idle =
    tune.model === unionModel || tune.model === pipelineModel
      ? []
      : Object.keys(tune.ranges).filter((name) => name.split(".")[0] !== tune.model);
  if (idle.length > 0) throw invalid("tune.ranges", `${idle.join(", ")} changes nothing in model ${tune.model}`, "idle_range");
  const figures = figuresOf(document);
  const figure = tune.figure ?? figures[0]!;
  if (!figures.includes(figure)) throw invalid("tune.figure", `"${figure}" is none of ${figures.join(", ")}`, "unknown_figure");
  return { tune, figure };
}

/** The mean of the figure over all sets, or over what was seen when the trial was stopped. */
async function runTrial(
  options: TuneOptions,
  sets: readonly Cases[],
  recipe: Recipe,
  figure: string,
  stopping: Stopping,
): Promise<Omit<Trial, "settings">> {
  const { document, data } = options;
  const model = document.tune!.model;
  const k = Math.max(...document.k);
  const seen: number[] = [];
  const rungs: number[] = [];
  const last = sets.length * rungShares.length;
  for (const cases of sets) {
    const fitted = await fitModels(fitOptions(options, recipe), cases, [model]);
    for (const [r, share] of rungShares.entries()) {
      const part = sampleCases(cases, Math.ceil(cases.users.length * share), document.seed + r);
      const lists = await makeLists({ ...fitted, cases: part }, data, model, k, fitOptions(options, recipe));
      const mean = meanOf(scoreLists(lists, part, metrics, document.k).get(figure)!);
      const whole = share === 1;
      if (whole) seen.push(mean);
      const pooled = meanOf(whole ? seen : [...seen, mean]);
      rungs.push(pooled);
      const goesOn = stopping.goesOn(rungs.length - 1, pooled);
      // A trial that has seen everything has ended, wherever it stands.
      if (!goesOn && rungs.length < last) return { value: pooled, stopped: true, rungs };
    }
    await rm(options.scratch, { recursive: true, force: true });
  }
  return { value: meanOf(seen), stopped: false, rungs };
}

/** Throws `invalid_argument` naming the field for a section that does not fit. Stopped and started again it goes on where it was. */
export async function tune(options: TuneOptions): Promise<TuneResult> {
  const { tune: section, figure } = checkTune(options);
  const document: ExperimentDocument = { ...options.document, part: "validation" };
  const { data, records } = options;
  const sets = [...casesOf(document, data)];
  const base = Object.values(document.recipes)[0] ?? defaultRecipe;
  const search = createSearch(section.ranges, section.trials, createRandom(document.seed, "tune"));
  const stopping = medianStopping();
  const digests = sets.map(casesDigest);
  const trials: Trial[] = [];
  try {
    for (let number = 0; number < section.trials; number++) {
      options.signal.throwIfAborted();
      const settings = search.next();
      const recipe = withSettings(base, settings);
      const { tune: _, recipes: __, sensitivity: ___, models: ____, ...rest } = document;
      const key = { data: data.fingerprint, tune: section, number, recipe, document: rest, digests, code: options.codeVersion };
      const known = (await records.findNote(key)) as Trial | null;
      const trial = known ?? { settings, ...(await runTrial({ ...options, document }, sets, recipe, figure, stopping)) };
      if (known === null) await records.addNote(key, trial);
      else known.rungs.forEach((mean, rung) => void stopping.goesOn(rung, mean));
      search.tell(trial.value, trial.stopped);
      trials.push(trial);
      options.onTrial(trial, number, bestOf(trials));
    }
  } finally {
    await rm(options.scratch, { recursive: true, force: true });
  }
  const best = bestOf(trials);
  return { figure, trials, best, recipe: withSettings(base, best.settings) };
}

/** A stopped trial saw fewer cases, and is never the best while another ended. */
function bestOf(trials: readonly Trial[]): Trial {
  const ended = trials.filter(({ stopped }) => !stopped);
  return (ended.length > 0 ? ended : trials).reduce((best, trial) => (trial.value > best.value ? trial : best));
}
