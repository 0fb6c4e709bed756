import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { openLmdbBus } from "#libs/bus/lmdb-bus.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { stateFolders } from "#libs/serve/nearline.ts";
import { loadModels } from "../../fleet.ts";
import { homeFolders, homeOption } from "../home.ts";
import { instantOption } from "../instant-option.ts";
import { measureSkew, type SkewReport } from "../skew/skew.ts";
import { print, remark, table } from "../terminal.ts";
import { wholeNumber } from "../whole-number.ts";

/** Differences of one rounding of a 32-bit number; another processor's logarithm makes no larger ones. */
const toleranceDefault = 1e-6;

interface SkewFlags {
  readonly home?: string;
  readonly data?: string;
  readonly before?: number;
  readonly records: number;
  readonly tolerance: number;
  readonly json: boolean;
}

function tolerance(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError("--tolerance takes a number of 0 or more.");
  return value;
}

const digits = (value: number): string => (value === 0 ? "0" : value.toPrecision(3));

export function describeSkew({ records, unreadable, compared, skipped, features, tolerance: within }: SkewReport): string {
  const rows = features.map(({ feature, rows: all, differ, maxDifference, meanDifference }) => [
    feature,
    all,
    differ,
    digits(maxDifference),
    digits(meanDifference),
  ]);
  const differing = features.filter(({ differ }) => differ > 0).map(({ feature }) => feature);
  const gone = Object.entries(skipped).map(([release, count]) => `${count} of release ${release}, which is stored no more`);
  return [
    table([["feature", "rows", "differ", "max difference", "mean difference"], ...rows]),
    "",
    `${compared} records with features compared, of ${records}${unreadable > 0 ? ` (${unreadable} unreadable)` : ""}${gone.length > 0 ? `; left out: ${gone.join(", ")}` : ""}`,
    differing.length === 0 ? `no feature differs by more than ${within}` : `skew in ${differing.join(", ")}`,
  ].join("\n");
}

async function skew(flags: SkewFlags): Promise<void> {
  const folders = homeFolders(flags.home);
  const folder = join(folders.state, stateFolders.bus);
  // Opening would make it.
  if (!existsSync(folder))
    throw new ModisteError("failed_precondition", "no_records", `${folder} is missing: nothing was served from this home`);
  const bus = openLmdbBus(folder);
  try {
    const report = await measureSkew({
      folders,
      bus,
      models: await loadModels(),
      data: flags.data ?? null,
      before: flags.before ?? Number.MAX_SAFE_INTEGER,
      recordsMax: flags.records,
      tolerance: flags.tolerance,
    });
    print(flags.json ? JSON.stringify(report, null, 2) : describeSkew(report));
    if (report.features.some(({ differ }) => differ > 0)) {
      remark("served features differ from those computed again");
      process.exitCode = 1;
    }
  } finally {
    await bus.close();
  }
}

export function skewCommand(): Command {
  return new Command("skew")
    .description(
      "compute the features of served items again from release, data set and events, and compare them with the records of their answers",
    )
    .option(...homeOption)
    .option("--data <name>", "data set that the profiles were seeded from (default: that of the newest release of the records)")
    .option("--before <date>", "what `profiles seed --before` was given", instantOption("--before"))
    .option("--records <n>", "latest records with features to compare", wholeNumber("--records", 1), 1000)
    .option("--tolerance <number>", "largest difference that is none, relative above 1", tolerance, toleranceDefault)
    .option("--json", "the report as JSON", false)
    .action(skew);
}
