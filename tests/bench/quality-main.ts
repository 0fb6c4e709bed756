/** `npm run bench:quality [-- set...] [--raw DIR] [--home DIR] [--fresh]`: quality on public data beside published figures. */

import { availableParallelism } from "node:os";
import { Command } from "commander";
import { figureTable, writeResults } from "./bench.ts";
import { qualityFigures } from "./quality.ts";

interface Flags {
  readonly raw: string;
  readonly home?: string;
  readonly fresh: boolean;
  readonly threads: string;
  readonly write: boolean;
}

await new Command("bench:quality")
  .description("quality on public data, from raw files to figures beside published ones")
  .argument("[sets...]", "gowalla, diginetica, beauty, online-retail, online-retail-ablations, hm, hm-week; all when none is named")
  .option("--raw <folder>", "where the raw files lie, one folder a source", "../shared/data")
  .option("--home <folder>", "home folder of data sets and recorded runs (default: MODISTE_HOME or .modiste)")
  .option("--fresh", "forget recorded runs", false)
  .option("--threads <n>", "most threads", String(availableParallelism()))
  .option("--no-write", "do not write tests/bench/results")
  .action(async (names: string[], { raw, home, fresh, threads, write }: Flags) => {
    const say = (text: string): void => void process.stderr.write(`${text}\n`);
    for await (const { set, figures } of qualityFigures({ raw, home, names, fresh, threads: Number(threads), say })) {
      process.stdout.write(`${figureTable(figures)}\n`);
      if (write) say(`written to ${writeResults(`quality-${set}`, figures)}`);
    }
  })
  .parseAsync();
