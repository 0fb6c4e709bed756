/** `modiste synth`: an invented shop as raw files, and how close its data set comes to the figures of a real one. */
import { Command, Option } from "commander";
import { ModisteError } from "#libs/core/errors.ts";
import { findHmFiles, importHm } from "#libs/data/importers/hm.ts";
import { measureRealism, type RealismFigure } from "#libs/data/synth/realism.ts";
import { parseSynthSize, synthSizes } from "#libs/data/synth/sizes.ts";
import { synthesize } from "#libs/data/synth/synth.ts";
import { print, progressLine, table } from "../terminal.ts";
import { number, withInterrupt } from "./import.ts";

interface SynthFlags {
  readonly size: string;
  readonly seed: number;
  readonly out: string;
  readonly dataset?: string;
  readonly force?: boolean;
  readonly check?: boolean;
}

export function synthCommand(): Command {
  return new Command("synth")
    .description("write the raw files of an invented shop, in the layout that `import hm` reads")
    .addOption(new Option("--size <size>", "10 k, 100 k or 1.37 M users").choices(Object.keys(synthSizes)).default("small"))
    .option("--seed <n>", "the same seed gives the same shop", number(0, 2 ** 31), 1)
    .requiredOption("--out <dir>", "folder of the raw files")
    .option("--dataset <dir>", "also import them into this data set")
    .option("--force", "replace what stands there")
    .option("--check", "import and print the table of realism figures; fails when a figure is outside its range")
    .action(runSynth);
}

async function runSynth(flags: SynthFlags): Promise<void> {
  const line = progressLine();
  const force = flags.force === true;
  const dataSet = flags.dataset ?? (flags.check === true ? `${flags.out}-dataset` : undefined);
  const { progress } = line;
  try {
    const size = synthSizes[parseSynthSize(flags.size)];
    const made = await withInterrupt((signal) => synthesize({ size, seed: flags.seed, out: flags.out, force, progress, signal }));
    line.end();
    print(`${flags.out}: ${made.purchases} purchases`);
    if (dataSet === undefined) return;
    await withInterrupt((signal) => importHm(findHmFiles([flags.out]), { out: dataSet, force, progress, signal }));
    line.end();
    print(`${dataSet}: imported`);
    if (flags.check === true) check(await measureRealism(dataSet));
  } finally {
    line.end();
  }
}

function check(figures: readonly RealismFigure[]): void {
  print(realismTable(figures));
  const outside = figures.filter((figure) => figure.verdict === "outside").map((figure) => figure.id);
  if (outside.length === 0) return;
  throw new ModisteError(
    "failed_precondition",
    "realism_outside",
    `${outside.length} figures are outside their ranges: ${outside.join(", ")}`,
  );
}

const marks = { inside: "ok", outside: "OUTSIDE", not_judged: "too small a shop" } as const;

export function realismTable(figures: readonly RealismFigure[]): string {
  const cell = (value: number): string => String(Number(value.toPrecision(4)));
  const rows = figures.map((figure) => [figure.what, cell(figure.value), cell(figure.low), cell(figure.high), marks[figure.verdict]]);
  return table([["figure", "value", "low", "high", "verdict"], ...rows]);
}
