import { availableParallelism } from "node:os";
import { Command } from "commander";
import { checkExperiment } from "../experiment/document.ts";
import { executeExperiment, printSummary } from "../experiment/execute.ts";
import { homeFolders, homeOption } from "../home.ts";
import { wholeNumber } from "../whole-number.ts";

interface EvaluateFlags {
  readonly home?: string;
  readonly data: string;
  readonly weeks: number;
  readonly k: number;
  readonly users?: string;
  readonly seed: number;
  readonly threads: number;
  readonly rankerUsers: number;
}

/** An experiment of one recipe over past weeks, without a document and without files. */
async function evaluate({ home, data, weeks, k, users, seed, threads, rankerUsers }: EvaluateFlags): Promise<void> {
  const document = checkExperiment(
    {
      name: "evaluate",
      data,
      split: { kind: "weeks", weeks },
      k: [k],
      seed,
      recipes: { default: { ranker_users: rankerUsers } },
      ...(users === undefined ? {} : { users }),
    },
    "modiste evaluate",
  );
  for (const executed of await executeExperiment(document, { folders: homeFolders(home), threads })) printSummary(executed);
}

export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("replay past weeks: fit on what was known before each, compare with what users took in it")
    .option(...homeOption)
    .requiredOption("--data <name>", "data set: its name inside the home folder, or its path")
    .option("--weeks <n>", "weeks to replay, ending with the last complete one", wholeNumber("--weeks", 1), 1)
    .option("--k <n>", "length of the lists", wholeNumber("--k", 1), 12)
    .option("--users <file>", "count only these users: a file of external ids, one a line")
    .option("--seed <n>", "seed of everything random", wholeNumber("--seed", 0), 1)
    .option("--threads <n>", "most threads", wholeNumber("--threads", 1), availableParallelism())
    .option("--ranker-users <n>", "most users of a label week that teach the ranker", wholeNumber("--ranker-users", 1), 10_000)
    .action(evaluate);
}
