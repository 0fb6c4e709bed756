/** `npm run bench:neural [-- run...] [--raw DIR] [--home DIR]`: SASRec on public data beside published figures. */

import { Command } from "commander";
import { progressLine } from "../../services/cli/terminal.ts";
import { figureTable, writeResults } from "./bench.ts";
import { neuralRuns, runNeural } from "./neural.ts";

interface Flags {
  readonly raw: string;
  readonly home?: string;
  readonly write: boolean;
  readonly settings?: string;
}

await new Command("bench:neural")
  .description("SASRec on public sequences, beside published figures")
  .argument("[runs...]", `${neuralRuns.map(({ name }) => name).join(", ")}; all when none is named`)
  .option("--raw <folder>", "where the raw files lie, one folder a source", "../shared/data")
  .option("--home <folder>", "home folder of data sets (default: MODISTE_HOME or .modiste)")
  .option("--settings <json>", "settings over the run's own, for a trial; nothing is written then")
  .option("--no-write", "do not write tests/bench/results")
  .action(async (names: string[], { raw, home, write, settings }: Flags) => {
    const line = progressLine();
    const signal = new AbortController().signal;
    for (const run of neuralRuns.filter(({ name }) => names.length === 0 || names.includes(name))) {
      const trial = settings === undefined ? {} : (JSON.parse(settings) as typeof run.settings);
      const chosen = { ...run, settings: { ...run.settings, ...trial } };
      const figures = await runNeural(chosen, { home, rawFolder: raw, progress: line.progress, signal });
      line.end();
      process.stdout.write(`${figureTable(figures)}\n`);
      if (write && settings === undefined)
        process.stderr.write(`written to ${writeResults(`neural-${run.name.replace(".", "-")}`, figures)}\n`);
    }
  })
  .parseAsync();
