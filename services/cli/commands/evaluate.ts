import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { systemClock } from "#libs/core/clock.ts";
import { invalid } from "#libs/core/errors.ts";
import { lastCompleteWeeks } from "#libs/data/splits.ts";
import type { Interval } from "#libs/evaluation/bootstrap.ts";
import { metrics } from "#libs/evaluation/metrics/index.ts";
import { loadModels } from "../../fleet.ts";
import { dataSetFolder, homeFolders, homeOption } from "../home.ts";
import { stopSignal } from "../stop-signal.ts";
import { print, progressLine, remark, table } from "../terminal.ts";
import { type BacktestReport, backtest } from "../training/backtest.ts";
import { loadTrainingData } from "../training/load-data.ts";
import { modisteVersion } from "../version.ts";
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

/** External ids, one a line. */
function readUsers(path: string): ReadonlySet<string> {
  try {
    return new Set(
      readFileSync(path, "utf8")
        .split(/\r?\n/)
        .filter((line) => line !== ""),
    );
  } catch (cause) {
    throw invalid("--users", `${path} cannot be read: ${(cause as Error).message}`, "users_file");
  }
}

const range = ({ low, high }: Interval): string => `${low.toFixed(4)} to ${high.toFixed(4)}`;

function report({ rows, differences }: BacktestReport, k: number): string {
  const head = ["model", ...metrics.map(({ name }) => `${name}@${k}`), `map@${k} 95 % interval`, "modiste less it"];
  const body = rows.map(({ model, figures }) => {
    const map = figures.get("map");
    const means = metrics.map(({ name }) => (figures.get(name)?.mean ?? 0).toFixed(4));
    return [model, ...means, map ? range(map) : "", differences.has(model) ? range(differences.get(model)!) : ""];
  });
  return table([head, ...body]);
}

async function evaluate(flags: EvaluateFlags): Promise<void> {
  const folders = homeFolders(flags.home);
  const users = flags.users === undefined ? null : readUsers(flags.users);
  const signal = stopSignal();
  const line = progressLine();
  try {
    const data = await loadTrainingData(dataSetFolder(folders, flags.data), line.progress, signal);
    let userWeeks = 0;
    const replayed = await backtest({
      data,
      models: await loadModels(),
      seed: flags.seed,
      threads: flags.threads,
      rankerUsersMax: flags.rankerUsers,
      codeVersion: modisteVersion(),
      settings: {},
      progress: line.progress,
      signal,
      clock: systemClock,
      onStep: () => undefined,
      weeks: lastCompleteWeeks(data.endSeconds, flags.weeks).reverse(),
      users,
      k: flags.k,
      scratch: join(folders.home, `backtest-${process.pid}`),
      onWeek: (week, count) => {
        userWeeks += count;
        line.end();
        remark(`week from ${new Date(week.from * 1000).toISOString().slice(0, 10)}: ${count} users`);
      },
    });
    line.end();
    print(`${data.name} (fingerprint ${data.fingerprint}), ${flags.weeks} weeks, ${userWeeks} user-weeks, seed ${flags.seed}`);
    print(report(replayed, flags.k));
    print("Intervals are over users (1,000 bootstrap samples); the last column is the paired difference.");
  } finally {
    line.end();
  }
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
