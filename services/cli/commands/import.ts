/** `modiste import <importer> ...`: files of others to a data set. */
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { ModisteError } from "#libs/core/errors.ts";
import { importArchivedShop } from "#libs/data/importers/archived-shop.ts";
import { findHmFiles, importHm } from "#libs/data/importers/hm.ts";
import type { ImportOptions } from "#libs/data/importers/import.ts";
import { importInteractions, parseItemMapping, parseMapping } from "#libs/data/importers/interactions.ts";
import { importMovielens } from "#libs/data/importers/movielens.ts";
import { importSequences, type SequenceLayout, sequenceLayouts } from "#libs/data/importers/sequences.ts";
import type { DataSetManifest } from "#libs/data/manifest.ts";
import { type EventType, eventTypes } from "#libs/events/event.ts";
import { subjectKey } from "#libs/store/subject-key.ts";
import { openArchive } from "../archive/archive-folder.ts";
import { archivedErasures } from "../archive/forget.ts";
import { dataSetFolder, homeFolders, homeOption } from "../home.ts";
import { print, progressLine, table } from "../terminal.ts";

interface CommonFlags {
  readonly out: string;
  readonly name?: string;
  readonly force?: boolean;
  readonly maxRejects: number;
  readonly memoryMb: number;
  readonly threads?: number;
}

export function importCommand(): Command {
  const command = new Command("import").description("turn files of purchases into a data set");
  command.addCommand(hmCommand());
  command.addCommand(movielensCommand());
  command.addCommand(interactionsCommand());
  command.addCommand(sequencesCommand());
  command.addCommand(archiveCommand());
  return command;
}

function hmCommand(): Command {
  return common(new Command("hm"))
    .description("Kaggle's H&M layout: a folder, or articles, customers and transactions files (CSV, gzip, Parquet)")
    .argument("<paths...>", "a folder, or files told apart by their names")
    .action(async (paths: string[], flags: CommonFlags) => {
      const files = findHmFiles(paths);
      await runImport(flags, (options) => importHm(files, options));
    });
}

function movielensCommand(): Command {
  return common(new Command("movielens"))
    .description("MovieLens 100k (u.data) or 1M (ratings.dat)")
    .argument("<folder>")
    .option("--like-from <stars>", "stars from which a rating is a like; below it is a view", number(0, 5), 4)
    .action(async (folder: string, flags: CommonFlags & { likeFrom: number }) => {
      await runImport(flags, (options) => importMovielens(folder, { ...options, likeFrom: flags.likeFrom }));
    });
}

interface InteractionFlags extends CommonFlags {
  readonly map: string;
  readonly type: EventType;
  readonly encoding: "utf-8" | "latin-1";
  readonly delimiter?: string;
  readonly items?: string;
  readonly itemMap?: string;
}

function interactionsCommand(): Command {
  return common(new Command("interactions"))
    .description("any CSV, Parquet or NDJSON with one interaction a row")
    .argument("<file>")
    .requiredOption(
      "--map <pairs>",
      "field=Column, ...; fields: user item time value quantity type channel name text category product_group user.<a> item.<a>",
    )
    .addOption(new Option("--type <type>", "type of rows without one").choices(eventTypes.slice(1)).default("purchase"))
    .addOption(new Option("--encoding <name>").choices(["utf-8", "latin-1"]).default("utf-8"))
    .option("--delimiter <text>", "default: guessed from the first line")
    .option("--items <file>", "a file of items; rows of other items are rejected")
    .option("--item-map <pairs>", "its mapping; fields: item name text category product_group price item.<a>")
    .action(async (file: string, flags: InteractionFlags) => {
      const items = flags.items === undefined ? {} : { items: { file: flags.items, map: parseItemMapping(flags.itemMap ?? "item=item") } };
      const { type, encoding, delimiter } = flags;
      const more = { map: parseMapping(flags.map), type, encoding, ...(delimiter === undefined ? {} : { delimiter }), ...items };
      await runImport(flags, (options) => importInteractions(file, { ...options, ...more }));
    });
}

interface SequenceFlags extends CommonFlags {
  readonly test?: string;
  readonly layout: SequenceLayout;
  readonly type: EventType;
  readonly sessionsPerDay?: number;
}

function sequencesCommand(): Command {
  return common(new Command("sequences"))
    .description("a user or session a line, without times; optionally with a given test part")
    .argument("<train>")
    .option("--test <file>", "test part, same layout")
    .addOption(new Option("--layout <layout>", "what a line holds").choices(sequenceLayouts).default("user-items"))
    .addOption(new Option("--type <type>").choices(eventTypes.slice(1)).default("purchase"))
    .option("--sessions-per-day <n>", "layout items: lines are sessions in order of time, so many a day", number(1, 1e9))
    .action(async (train: string, flags: SequenceFlags) => {
      const { layout, type, test, sessionsPerDay } = flags;
      const given = { ...(test === undefined ? {} : { test }), ...(sessionsPerDay === undefined ? {} : { sessionsPerDay }) };
      await runImport(flags, (options) => importSequences(train, { ...options, layout, type, ...given }));
    });
}

function archiveCommand(): Command {
  return common(new Command("archive"))
    .description("a data set continued by what `events archive` has written, less who asked to be forgotten")
    .argument("<base>", "the data set that is continued: its name inside the home folder, or its path")
    .option(...homeOption)
    .option("--archive <folder>", "the archive (default: archive/ in the home folder)")
    .action(async (base: string, flags: CommonFlags & { home?: string; archive?: string }) => {
      const folders = homeFolders(flags.home);
      const archive = openArchive(flags.archive ?? join(folders.home, "archive"));
      if (!archive.cleared)
        throw new ModisteError(
          "failed_precondition",
          "archive_not_cleared",
          `${archive.path} may hold who asked to be forgotten: modiste events archive`,
        );
      const erased = new Set((await archivedErasures(archive)).map(({ key }) => key));
      await runImport(flags, (options) =>
        importArchivedShop({
          ...options,
          base: dataSetFolder(folders, base),
          files: archive.files("events").map(({ path }) => path),
          isForgotten: (user) => erased.size > 0 && erased.has(subjectKey(user, folders.subjectHashKey)),
        }),
      );
    });
}

function common(command: Command): Command {
  return command
    .requiredOption("--out <dir>", "folder of the data set")
    .option("--name <name>", "name of the data set; default: the folder's")
    .option("--force", "replace the data set that stands there")
    .option("--max-rejects <share>", "largest share of rejected rows", number(0, 1), 0.001)
    .option("--memory-mb <megabytes>", "memory limit of DuckDB", number(100, 1e6), 3000)
    .option("--threads <n>", "threads of DuckDB; default: all cores", number(1, 256));
}

/** A parser of numbers within [low, high] for commander. */
export function number(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= low && value <= high)) throw new InvalidArgumentError(`expected a number from ${low} to ${high}`);
    return value;
  };
}

/** Aborts on Ctrl-C, so that an import cleans up after itself. */
export async function withInterrupt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  process.once("SIGINT", abort);
  process.once("SIGTERM", abort);
  try {
    return await work(controller.signal);
  } finally {
    process.removeListener("SIGINT", abort);
    process.removeListener("SIGTERM", abort);
  }
}

async function runImport(flags: CommonFlags, run: (options: ImportOptions) => Promise<DataSetManifest>): Promise<void> {
  const line = progressLine();
  try {
    const { out, maxRejects, memoryMb, name, force, threads } = flags;
    const manifest = await withInterrupt((signal) =>
      run({
        out,
        maxRejects,
        memoryLimitMb: memoryMb,
        progress: line.progress,
        signal,
        ...(name === undefined ? {} : { name }),
        ...(force === undefined ? {} : { force }),
        ...(threads === undefined ? {} : { threads }),
      }),
    );
    line.end();
    print(summary(manifest, out));
  } finally {
    line.end();
  }
}

function summary(manifest: DataSetManifest, out: string): string {
  const { counts, time_range: range } = manifest;
  const day = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
  const rejected = Object.entries(manifest.rejects).map(([reason, n]): [string, number] => [`rejected: ${reason}`, n]);
  return table([
    ["data set", out],
    ["users", String(counts.users)],
    ["items", String(counts.items)],
    ["interactions", String(counts.interactions)],
    ["time", `${day(range.first)} to ${day(range.last)}${manifest.synthetic_times === true ? " (positions)" : ""}`],
    ["fingerprint", manifest.fingerprint],
    ...rejected.map(([reason, n]) => [reason, String(n)]),
  ]);
}
