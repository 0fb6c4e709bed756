import { availableParallelism } from "node:os";
import { Command, Option } from "commander";
import { systemClock } from "#libs/core/clock.ts";
import { invalid } from "#libs/core/errors.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { loadModels } from "../../fleet.ts";
import { dataSetFolder, type HomeFolders, homeFolders, homeOption } from "../home.ts";
import { stopSignal } from "../stop-signal.ts";
import { formatSeconds, print, progressLine, table } from "../terminal.ts";
import { loadTrainingData } from "../training/load-data.ts";
import { trainRelease } from "../training/train-release.ts";
import { modisteVersion } from "../version.ts";
import { wholeNumber } from "../whole-number.ts";

interface TrainFlags {
  readonly home?: string;
  readonly data: string;
  readonly seed: number;
  readonly threads: number;
  readonly rankerUsers: number;
  readonly settings?: string;
  readonly promote: boolean;
}

type SourceSettings = Record<string, Record<string, unknown>>;

function parseSettings(text: string | undefined): SourceSettings {
  if (text === undefined) return {};
  try {
    return JSON.parse(text) as SourceSettings;
  } catch (cause) {
    throw invalid("--settings", `is not JSON: ${(cause as Error).message}`);
  }
}

export interface TrainWork extends Omit<TrainFlags, "home" | "promote" | "settings"> {
  readonly folders: HomeFolders;
  readonly settings: SourceSettings;
}

/** Trains a release with progress on the terminal and prints what each step took. */
export async function trainWithProgress(work: TrainWork): Promise<ReleaseManifest> {
  const { folders, data, seed, threads, rankerUsers, settings } = work;
  const signal = stopSignal();
  const line = progressLine();
  const steps: [string, string][] = [];
  try {
    const started = systemClock.monotonicMs();
    const training = await loadTrainingData(dataSetFolder(folders, data), line.progress, signal);
    steps.push(["load", ((systemClock.monotonicMs() - started) / 1000).toFixed(1)]);
    const { manifest } = await trainRelease({
      data: training,
      models: await loadModels(),
      store: openFolderStore(folders.releases),
      seed,
      threads,
      rankerUsersMax: rankerUsers,
      codeVersion: modisteVersion(),
      settings,
      progress: line.progress,
      signal,
      clock: systemClock,
      onStep: (step, seconds) => steps.push([step, seconds.toFixed(1)]),
    });
    line.end();
    print(table([["step", "seconds"], ...steps]));
    print(`trained release ${manifest.id} in ${formatSeconds((systemClock.monotonicMs() - started) / 1000)}`);
    return manifest;
  } finally {
    line.end();
  }
}

export function trainCommand(): Command {
  return new Command("train")
    .description("fit every source and the ranker on a data set and write a release")
    .addOption(new Option(...homeOption))
    .requiredOption("--data <name>", "data set: its name inside the home folder, or its path")
    .option("--seed <n>", "seed of everything random", wholeNumber("--seed", 0), 1)
    .option("--threads <n>", "most threads", wholeNumber("--threads", 1), availableParallelism())
    .option("--ranker-users <n>", "most users of a label week that teach the ranker", wholeNumber("--ranker-users", 1), 10_000)
    .option("--settings <json>", 'settings by source, such as {"itemcf":{"neighbours":50}}')
    .option("--no-promote", "write the release without making it the serving one")
    .action(async (flags: TrainFlags) => {
      const folders = homeFolders(flags.home);
      const manifest = await trainWithProgress({ ...flags, folders, settings: parseSettings(flags.settings) });
      if (flags.promote) {
        await openFolderStore(folders.releases).promote(manifest.id);
        print(`${manifest.id} serves now`);
      }
    });
}
