import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { stringify } from "yaml";
import { systemClock } from "#libs/core/clock.ts";
import { loadModels } from "../../fleet.ts";
import { codeDigest } from "../experiment/code-digest.ts";
import { loadEvaluationData } from "../experiment/data.ts";
import { readExperiment } from "../experiment/document.ts";
import { experimentFolder, runsFolder } from "../experiment/execute.ts";
import { openRunRecords } from "../experiment/records.ts";
import type { TrialSettings } from "../experiment/search.ts";
import { tune } from "../experiment/tune.ts";
import { dataSetFolder, homeFolders, homeOption } from "../home.ts";
import { stopSignal } from "../stop-signal.ts";
import { print, progressLine, remark, table } from "../terminal.ts";
import { wholeNumber } from "../whole-number.ts";

const shownTrials = 10;

const words = (settings: TrialSettings): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");

async function runTune(file: string, flags: { readonly home?: string; readonly threads: number }): Promise<void> {
  const document = readExperiment(file);
  const folders = homeFolders(flags.home);
  const signal = stopSignal();
  const line = progressLine();
  try {
    for (const name of document.data) {
      const data = await loadEvaluationData(dataSetFolder(folders, name), line.progress, signal);
      const { figure, trials, best, recipe } = await tune({
        document,
        data,
        models: await loadModels(),
        records: openRunRecords(runsFolder(folders)),
        scratch: join(folders.home, `tune-${process.pid}`),
        threads: flags.threads,
        codeVersion: codeDigest(),
        progress: line.progress,
        signal,
        clock: systemClock,
        onTrial: (trial, number, { value }) => {
          line.end();
          remark(
            `trial ${number + 1}: ${trial.value.toFixed(4)}${trial.stopped ? " (stopped)" : ""}, best ${value.toFixed(4)}  ${words(trial.settings)}`,
          );
        },
      });
      line.end();
      const shown = [...trials].filter(({ stopped }) => !stopped).sort((a, b) => b.value - a.value);
      print(`${data.name}: ${trials.length} trials, ${trials.length - shown.length} stopped early; ${figure} on the validation part`);
      print(
        table([[figure, "settings"], ...shown.slice(0, shownTrials).map(({ value, settings }) => [value.toFixed(4), words(settings)])]),
      );
      const folder = experimentFolder(folders, document.name);
      await mkdir(folder, { recursive: true });
      const path = join(folder, `${data.name}-best.yaml`);
      await writeFile(path, `# ${figure} ${best.value.toFixed(4)} on the validation part\n${stringify({ recipes: { tuned: recipe } })}`);
      print(`best recipe: ${path}`);
    }
  } finally {
    line.end();
  }
}

export function tuneCommand(): Command {
  return new Command("tune")
    .description("search settings in the ranges of a YAML document's section `tune`, on validation only")
    .argument("<document>", "YAML file, as of `modiste experiment`")
    .option(...homeOption)
    .option("--threads <n>", "most threads", wholeNumber("--threads", 1), availableParallelism())
    .action(runTune);
}
