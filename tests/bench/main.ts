/** `npm run bench [-- name...] [--home DIR] [--data WORD] [--seconds N] [--device WORD,...] [--no-write]`: runs benches, prints figures beside budgets, writes results/. */

import { resolve } from "node:path";
import { Command } from "commander";
import { openTestShop } from "../support/shop.ts";
import { type Bench, type BenchContext, figureTable, writeResults } from "./bench.ts";
import { exitOnSignals } from "./children.ts";
import { nearline } from "./nearline.ts";
import { pipeline } from "./pipeline.ts";
import { importing, training } from "./preparation.ts";
import { ranking } from "./ranking.ts";
import { rankingDevices } from "./ranking-devices.ts";
import { serving } from "./serving.ts";

const benches: readonly Bench[] = [serving, nearline, pipeline, ranking, rankingDevices, importing, training];

interface Flags {
  readonly home?: string;
  readonly data?: string;
  readonly seconds: string;
  readonly device: string;
  readonly write: boolean;
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function runBenches(names: readonly string[], { home, data, seconds, device, write }: Flags): Promise<void> {
  const unknown = names.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) throw new Error(`no bench ${unknown.join(", ")}; there are ${benches.map(({ name }) => name).join(", ")}`);
  const shop = home === undefined ? await openTestShop() : undefined;
  const context: BenchContext = {
    home: shop?.home ?? resolve(home!),
    data: data ?? (shop ? "tiny" : "home"),
    seconds: Number(seconds),
    device,
    say,
  };
  try {
    for (const bench of benches.filter(({ name }) => names.length === 0 || names.includes(name))) {
      say(`${bench.name}: ${bench.about}`);
      const figures = await bench.run(context);
      process.stdout.write(`${figureTable(figures)}\n`);
      if (write) say(`written to ${writeResults(bench.name, figures)}`);
    }
  } finally {
    await shop?.remove();
  }
}

exitOnSignals();
await new Command("bench")
  .description(benches.map(({ name, about }) => `${name}: ${about}`).join("\n"))
  .argument("[names...]", "which benches; all when none is named")
  .option("--home <folder>", "home folder to bench, used as it is (default: a copy of the tests' small shop)")
  .option("--data <word>", "first word of figure names, such as full")
  .option("--seconds <n>", "seconds of one measurement under load", "15")
  .option("--device <word>", "what runs the ranker's network, one or more between commas: cpu, cuda, webgpu, tfjs-gpu, tfjs-cpu", "cpu")
  .option("--no-write", "do not write tests/bench/results")
  .action(runBenches)
  .parseAsync();
