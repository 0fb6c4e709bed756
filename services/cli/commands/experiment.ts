import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { checkpointOption } from "../checkpoint-option.ts";
import { readExperiment } from "../experiment/document.ts";
import { executeExperiment, experimentFolder, printSummary, writeSummary } from "../experiment/execute.ts";
import { exportLists } from "../experiment/export-lists.ts";
import { reportPage } from "../experiment/report/page.ts";
import { homeFolders, homeOption } from "../home.ts";
import { print } from "../terminal.ts";
import { wholeNumber } from "../whole-number.ts";

interface ExperimentFlags {
  readonly home?: string;
  readonly threads: number;
  readonly exportLists: boolean;
  readonly checkpointEvery: number;
}

async function experiment(file: string, flags: ExperimentFlags): Promise<void> {
  const document = readExperiment(file);
  const folders = homeFolders(flags.home);
  const folder = experimentFolder(folders, document.name);
  const executed = await executeExperiment(document, { folders, threads: flags.threads, checkpointEvery: flags.checkpointEvery });
  for (const one of executed) printSummary(one);
  await writeSummary(folder, executed);
  await writeFile(join(folder, "report.html"), reportPage(document, executed));
  print(`report: ${join(folder, "report.html")}`);
  if (flags.exportLists) print(`lists: ${(await exportLists(folder, executed)).join(", ")}`);
}

export function experimentCommand(): Command {
  return new Command("experiment")
    .description("compare models as a YAML document says: a table, a report, and every run recorded")
    .argument("<document>", "YAML file: data, split, models, recipes (docs/evaluation.md)")
    .option(...homeOption)
    .option("--threads <n>", "most threads", wholeNumber("--threads", 1), availableParallelism())
    .option(...checkpointOption)
    .option("--export-lists", "write recommended lists and truth as Parquet beside the report", false)
    .action(experiment);
}
