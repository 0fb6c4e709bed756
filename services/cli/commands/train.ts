import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { Command, Option } from "commander";
import { z } from "zod";
import { systemClock } from "#libs/core/clock.ts";
import { invalid, type ModisteError } from "#libs/core/errors.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { type RankerKind, rankerKinds } from "#libs/serve/ranker.ts";
import { loadModels } from "../../fleet.ts";
import { checkpointOption } from "../checkpoint-option.ts";
import { checkSources } from "../experiment/named-models.ts";
import { trainGuarded } from "../gate/guarded-train.ts";
import { createNotice, describeDecision } from "../gate/notice.ts";
import { dataSetFolder, type HomeFolders, homeFolders, homeOption, openReleases } from "../home.ts";
import { stopSignal } from "../stop-signal.ts";
import { formatSeconds, type ProgressLine, print, progressLine, remark, table } from "../terminal.ts";
import { type CheckpointOptions, checkpointFile, checkpointSteps, noCheckpoints, openCheckpoints } from "../training/checkpoints.ts";
import { defaultLabels, labelSets } from "../training/label-weeks.ts";
import { loadTrainingData } from "../training/load-data.ts";
import { sequenceIdentity, sequenceModel } from "../training/sequence.ts";
import { rankingPart, type TrainingData, type TrainOptions } from "../training/train-release.ts";
import { modisteVersion } from "../version.ts";
import { wholeNumber } from "../whole-number.ts";

type SourceSettings = Record<string, Record<string, unknown>>;

function parseSettings(text: string | undefined): SourceSettings {
  if (text === undefined) return {};
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw invalid("--settings", `is not JSON: ${(cause as Error).message}`);
  }
  const parsed = z.record(z.string(), z.record(z.string(), z.unknown())).safeParse(document);
  if (!parsed.success) throw invalid("--settings", 'must be settings by source, such as {"itemcf":{"neighbours":50}}');
  return parsed.data;
}

export interface TrainWork {
  readonly folders: HomeFolders;
  readonly data: string;
  readonly seed: number;
  readonly threads: number;
  readonly rankerUsers: number;
  readonly settings: SourceSettings;
  /** Whether the release is held against the serving one. */
  readonly gate: boolean;
  /** Steps of SASRec between two checkpoints; 0: none. */
  readonly checkpointEvery?: number;
  /** What becomes of a checkpoint of another training: an error, or it is told of and removed. */
  readonly staleCheckpoint?: "refuse" | "remove";
  readonly signal?: AbortSignal;
}

/** One for each data set of a home. */
const checkpointOf = ({ folders, data }: TrainWork): string =>
  checkpointFile(folders.home, ["train", basename(dataSetFolder(folders, data))]);

/** Opened before anything is trained, so that a checkpoint which does not fit is told of at once. */
async function checkpointsFor(work: TrainWork, training: TrainingData, line: ProgressLine): Promise<CheckpointOptions> {
  const { settings, seed, checkpointEvery = checkpointSteps, staleCheckpoint = "refuse" } = work;
  const sasrec = settings[sequenceModel];
  if (sasrec === undefined) return noCheckpoints;
  const say = (text: string): void => {
    line.end();
    remark(text);
  };
  const file = checkpointOf(work);
  const { past } = labelSets(training.interactions, training.endSeconds, defaultLabels);
  return openCheckpoints({
    file,
    identity: sequenceIdentity({ recipe: { sasrec }, labels: defaultLabels, data: training, seed }, past),
    every: checkpointEvery,
    onResume: (step) => say(`SASRec goes on after step ${step} of ${file}`),
    ...(staleCheckpoint === "remove" ? { onStale: (problem: ModisteError) => say(`${problem.detail}: removed`) } : {}),
  });
}

/** Trains a release with progress on the terminal, prints what each step took, and tells the webhook. It is not promoted yet. */
export async function trainWithProgress(work: TrainWork): Promise<ReleaseManifest> {
  const { folders, data, seed, threads, rankerUsers, settings, gate, signal = stopSignal() } = work;
  const store = openReleases(folders);
  // A store that cannot be asked is told of before the work, not after it.
  await store.current();
  const models = await loadModels();
  checkSources("--settings", Object.keys(settings), [...models.sources.map(({ name }) => name), sequenceModel, rankingPart]);
  models.ranker.check(settings[rankingPart] ?? {}, "--settings");
  const notice = createNotice();
  const tell = async (text: string): Promise<void> => {
    const problem = await notice(text);
    if (problem !== null) remark(problem);
  };
  const line = progressLine();
  const steps: [string, string][] = [];
  const started = systemClock.monotonicMs();
  const seconds = (): number => (systemClock.monotonicMs() - started) / 1000;
  await tell(`modiste: training on ${data} starts`);
  try {
    const training = await loadTrainingData(dataSetFolder(folders, data), line.progress, signal);
    steps.push(["load", seconds().toFixed(1)]);
    const options: TrainOptions = {
      data: training,
      checkpoints: await checkpointsFor(work, training, line),
      models,
      store,
      seed,
      threads,
      rankerUsersMax: rankerUsers,
      codeVersion: modisteVersion(),
      settings,
      progress: line.progress,
      signal,
      clock: systemClock,
      onStep: (step, took) => steps.push([step, took.toFixed(1)]),
    };
    const manifest = await trainGuarded({ ...options, compare: gate, scratch: join(folders.home, `gate-${process.pid}`) });
    line.end();
    print(table([["step", "seconds"], ...steps]));
    print(`trained release ${manifest.id} in ${formatSeconds(seconds())}`);
    await tell(describeDecision(manifest, seconds()));
    return manifest;
  } catch (error) {
    line.end();
    if (signal.aborted && existsSync(checkpointOf(work))) remark(`the same command goes on from ${checkpointOf(work)}`);
    await tell(
      `modiste: training on ${data} failed after ${formatSeconds(seconds())}: ${error instanceof Error ? error.message : String(error)}`,
    );
    throw error;
  } finally {
    line.end();
  }
}

/**
 * Makes the release serve if it passed, is the first, or was not to be compared (`gate` false); answers whether it serves. A gate that could
 * not compare is closed: a broken feed looks just like that.
 */
export async function promoteIfPassed({ folders, gate }: Pick<TrainWork, "folders" | "gate">, manifest: ReleaseManifest): Promise<boolean> {
  const store = openReleases(folders);
  const { decision, reasons } = manifest.promotion;
  const current = await store.current();
  const stop = (why: string): boolean => {
    print(`${manifest.id} ${why}`);
    return false;
  };
  if (decision === "refused") return stop(`was refused and does not serve:\n  ${reasons.join("\n  ")}`);
  if (current !== manifest.parent)
    return stop(`was compared with ${manifest.parent ?? "nothing"}, but ${current ?? "nothing"} serves by now`);
  if (gate && decision === "unchecked" && current !== null) {
    return stop(`could not be compared (${reasons.join("; ")}) and does not serve; modiste releases promote ${manifest.id} makes it`);
  }
  await store.promote(manifest.id);
  print(`${manifest.id} serves now`);
  return true;
}

export interface TrainFlags {
  readonly home?: string;
  readonly data: string;
  readonly seed: number;
  readonly threads: number;
  readonly rankerUsers: number;
  readonly settings?: string;
  readonly gate: boolean;
  readonly sasrec: boolean;
  readonly ranker?: RankerKind;
  readonly checkpointEvery: number;
}

/** The options that every command which trains has. */
export function withTrainOptions(command: Command): Command {
  return command
    .addOption(new Option(...homeOption))
    .requiredOption("--data <name>", "data set: its name inside the home folder, or its path")
    .option("--seed <n>", "seed of everything random", wholeNumber("--seed", 0), 1)
    .option("--threads <n>", "most threads", wholeNumber("--threads", 1), availableParallelism())
    .option("--ranker-users <n>", "most users of a label week that teach the ranker", wholeNumber("--ranker-users", 1), 10_000)
    .option("--settings <json>", 'settings by source, such as {"itemcf":{"neighbours":50}}')
    .addOption(
      new Option("--ranker <kind>", "ranker (default: linear); wide-deep reads SASRec's states with --sasrec").choices(rankerKinds),
    )
    .option("--sasrec", 'train SASRec too; its settings stand beside those of the sources: {"sasrec":{"epochs":5}}', false)
    .option(...checkpointOption)
    .option("--no-gate", "check the release by itself, but do not hold it against the serving one on the last week");
}

/** Throws `invalid_argument` where the settings name another one. */
function rankerOf(kind: RankerKind, settings: SourceSettings[string] = {}): SourceSettings[string] {
  if (settings.kind !== undefined && settings.kind !== kind)
    throw invalid("--ranker", `is ${kind}, but --settings names the ranker "${String(settings.kind)}"`);
  return { ...settings, kind };
}

export function workOf(flags: TrainFlags): Omit<TrainWork, "signal"> {
  const settings = parseSettings(flags.settings);
  return {
    ...flags,
    folders: homeFolders(flags.home),
    // Named in the settings it is trained: so the recipe of a release says it all.
    settings: {
      ...settings,
      ...(flags.sasrec ? { [sequenceModel]: settings[sequenceModel] ?? {} } : {}),
      ...(flags.ranker === undefined ? {} : { [rankingPart]: rankerOf(flags.ranker, settings[rankingPart]) }),
    },
  };
}

export function trainCommand(): Command {
  return withTrainOptions(new Command("train"))
    .description("fit every source and the ranker on a data set, write a release, and let it serve if it passes the gate")
    .option("--no-promote", "write the release without making it the serving one")
    .action(async (flags: TrainFlags & { readonly promote: boolean }) => {
      const work = workOf(flags);
      const manifest = await trainWithProgress(work);
      if (!flags.promote) return;
      if (!(await promoteIfPassed(work, manifest))) process.exitCode = 1;
      else if (manifest.parent === null) remark(`next: modiste profiles seed --data ${flags.data}, then modiste serve`);
    });
}
