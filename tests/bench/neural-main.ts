/** `npm run bench:neural [-- run...] [--raw DIR] [--home DIR]`: SASRec on public data beside published figures, and its step by executor. */

import { Command } from "commander";
import { invalid } from "#libs/core/errors.ts";
import { progressLine, remark } from "../../services/cli/terminal.ts";
import { type Figures, figureTable, writeResults } from "./bench.ts";
import { neuralRuns, runNeural } from "./neural.ts";
import { stepTimes } from "./steps.ts";

/** The run that trains nothing: a step on each executor. */
const steps = "steps";

interface Flags {
  readonly raw: string;
  readonly home?: string;
  readonly write: boolean;
  readonly settings?: string;
}

await new Command("bench:neural")
  .description("SASRec on public sequences, beside published figures")
  .argument("[runs...]", `${[steps, ...neuralRuns.map(({ name }) => name)].join(", ")}; all when none is named`)
  .option("--raw <folder>", "where the raw files lie, one folder a source", "../shared/data")
  .option("--home <folder>", "home folder of data sets (default: MODISTE_HOME or .modiste)")
  .option("--settings <json>", "settings over the run's own, for a trial; nothing is written then")
  .option("--no-write", "do not write tests/bench/results")
  .action(async (names: string[], { raw, home, write, settings }: Flags) => {
    const line = progressLine();
    const signal = new AbortController().signal;
    const show = (figures: Figures, file: string | null): void => {
      process.stdout.write(`${figureTable(figures)}\n`);
      if (file !== null) remark(`written to ${writeResults(file, figures)}`);
    };
    const unknown = names.filter((name) => name !== steps && !neuralRuns.some((run) => run.name === name));
    if (unknown.length > 0) throw invalid("runs", `there is no run ${unknown.join(", ")}`);
    if (names.length === 0 || names.includes(steps)) show(await stepTimes(remark), write ? "neural-steps" : null);
    for (const run of neuralRuns.filter(({ name }) => names.length === 0 || names.includes(name))) {
      const trial = settings === undefined ? {} : (JSON.parse(settings) as typeof run.settings);
      const chosen = { ...run, settings: { ...run.settings, ...trial } };
      const figures = await runNeural(chosen, { home, rawFolder: raw, progress: line.progress, signal });
      line.end();
      show(figures, write && settings === undefined ? `neural-${run.name.replace(".", "-")}` : null);
    }
  })
  .parseAsync();
