/** What every importer shares: staging tables in DuckDB, the share of rejected rows, the files of the data set. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { type Clock, systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { noProgress, type Progress } from "#libs/core/progress.ts";
import { hashString } from "#libs/core/random.ts";
import { eventTypes } from "#libs/events/event.ts";
import { Duck, type RunOptions, sqlFile, sqlName } from "../duck.ts";
import { type DataSetManifest, dataSetFormat, type SourceFile } from "../manifest.ts";
import { openStaging } from "../staging.ts";

export interface ImportOptions {
  /** Folder of the data set. */
  readonly out: string;
  /** Name in dataset.json; the folder's name when left out. */
  readonly name?: string;
  readonly force?: boolean;
  /** Largest share of rejected rows; default 0.001. */
  readonly maxRejects?: number;
  /** Limit of DuckDB, megabytes; default 3,000. The process takes some 300 MB more. */
  readonly memoryLimitMb?: number;
  readonly threads?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** What an importer works with. It fills the tables that `sql/stage.sql` declares; `stage_interactions` may also be made a view. */
export interface Stage {
  readonly duck: Duck;
  readonly signal: AbortSignal | undefined;
  /** Runs one step, with progress and cancellation. */
  run(step: string, sql: string): Promise<void>;
}

/** What an importer says about what it staged. */
export interface Staged {
  readonly importer: string;
  /** Columns of `stage_items` after the fixed ones, at most 32. */
  readonly itemAttributes: readonly string[];
  /** Columns of `stage_users` after the fixed ones, at most 16. */
  readonly userAttributes: readonly string[];
  readonly mapping: Readonly<Record<string, string>>;
  readonly sources: readonly SourceFile[];
  /** Rows of all files, rejected ones included. */
  readonly rowsRead: number;
  readonly testFrom?: number;
  readonly syntheticTimes?: boolean;
}

const defaultMaxRejects = 0.001;
const defaultMemoryMb = 3000;

/** Runs an importer from staging to the finished folder. On any failure nothing is left behind. */
export async function importDataset(options: ImportOptions, fill: (stage: Stage) => Promise<Staged>): Promise<DataSetManifest> {
  const folder = openStaging(options.out, { force: options.force ?? false, marker: "dataset.json" });
  let duck: Duck | undefined;
  try {
    duck = await Duck.open({
      path: join(folder.dir, "stage.duckdb"),
      tempDir: join(folder.dir, "spill"),
      memoryLimitMb: options.memoryLimitMb ?? defaultMemoryMb,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
    });
    const work = join(folder.dir, "data");
    const manifest = await stageAndWrite(duck, folder.dir, options, fill);
    duck.close();
    duck = undefined;
    writeFileSync(join(work, "dataset.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    promote(folder.dir);
    folder.commit();
    return manifest;
  } finally {
    duck?.close();
    folder.discard();
  }
}

/** Leaves only the finished files, at the top of the working folder. */
function promote(dir: string): void {
  const data = join(dir, "data");
  for (const entry of readdirSync(dir)) if (entry !== "data") rmSync(join(dir, entry), { recursive: true });
  for (const file of readdirSync(data)) renameSync(join(data, file), join(dir, file));
  rmSync(data, { recursive: true });
}

async function stageAndWrite(
  duck: Duck,
  dir: string,
  options: ImportOptions,
  fill: (stage: Stage) => Promise<Staged>,
): Promise<DataSetManifest> {
  const run: Stage["run"] = (step, sql) => duck.run(sql, runOptions(step, options));
  await duck.run(sqlFile("stage"));
  mkdirSync(join(dir, "data"));
  const staged = await fill({ duck, signal: options.signal, run });
  const rejects = await countRejects(duck);
  checkRejects(rejects, staged.rowsRead, options.maxRejects ?? defaultMaxRejects);
  const files = tableFiles(join(dir, "data"));
  await run("import: sorting and writing interactions", sqlFile("write-interactions", { file: files.interactions }));
  await refuseEmpty(duck, files.interactions, staged);
  const attributes = (prefix: string, names: readonly string[]): { raw: string } => ({
    raw: names.map((name) => `, ${prefix}${sqlName(name)}`).join(""),
  });
  await run("import: writing items", sqlFile("write-items", { ...files, columns: attributes("i.", staged.itemAttributes) }));
  await run("import: writing users", sqlFile("write-users", { ...files, columns: attributes("", staged.userAttributes) }));
  await run("import: writing rejects", sqlFile("write-rejects", { file: files.rejects }));
  return describeStaged(duck, files, staged, rejects, options);
}

type TableFiles = Readonly<Record<"interactions" | "items" | "users" | "rejects", string>>;

function tableFiles(dir: string): TableFiles {
  const file = (table: string): string => join(dir, `${table}.parquet`);
  return { interactions: file("interactions"), items: file("items"), users: file("users"), rejects: file("rejects") };
}

function runOptions(step: string, options: ImportOptions): RunOptions {
  return { step, progress: options.progress ?? noProgress, signal: options.signal };
}

async function countRejects(duck: Duck): Promise<Record<string, number>> {
  const rows = await duck.rows<{ reason: string; n: number }>(
    "SELECT reason, count(*)::DOUBLE AS n FROM stage_rejects GROUP BY reason ORDER BY n DESC, reason",
  );
  return Object.fromEntries(rows.map((row) => [row.reason, row.n]));
}

/** Throws failed_precondition with a table of reasons when more than `share` of the rows were rejected. */
export function checkRejects(rejects: Readonly<Record<string, number>>, rowsRead: number, share: number): void {
  const total = Object.values(rejects).reduce((sum, n) => sum + n, 0);
  if (total <= share * rowsRead) return;
  const percent = (n: number): string => `${((100 * n) / Math.max(1, rowsRead)).toFixed(3)} %`;
  const width = Math.max(...Object.keys(rejects).map((reason) => reason.length));
  const table = Object.entries(rejects).map(([reason, n]) => `  ${reason.padEnd(width)}  ${String(n).padStart(9)}  ${percent(n)}`);
  throw new ModisteError(
    "failed_precondition",
    "too_many_rejects",
    `${total} of ${rowsRead} rows rejected (${percent(total)}), more than --max-rejects ${share}:\n${table.join("\n")}`,
  );
}

async function refuseEmpty(duck: Duck, file: string, staged: Staged): Promise<void> {
  const { n } = await duck.row<{ n: number }>(sqlFile("count-rows", { file }));
  if (n > 0) return;
  const names = staged.sources.map((source) => source.file).join(", ");
  throw new ModisteError("failed_precondition", "no_interactions", `no interaction was found in ${names}`);
}

interface Sums {
  interactions: number;
  items: number;
  users: number;
  first: number;
  last: number;
  sums: string;
}

async function describeStaged(
  duck: Duck,
  files: TableFiles,
  staged: Staged,
  rejects: Record<string, number>,
  options: ImportOptions,
): Promise<DataSetManifest> {
  const sums = await duck.row<Sums>(sqlFile("fingerprint", { ...files }));
  const types = await duck.rows<{ type: number; n: number }>(sqlFile("count-types", { file: files.interactions }));
  const clock = options.clock ?? systemClock;
  return {
    format: dataSetFormat,
    name: options.name ?? basename(resolve(options.out)),
    importer: staged.importer,
    created: new Date(clock.nowSeconds() * 1000).toISOString(),
    counts: { users: sums.users, items: sums.items, interactions: sums.interactions },
    time_range: { first: sums.first, last: sums.last },
    event_types: Object.fromEntries(types.map(({ type, n }) => [eventTypes[type] ?? "unspecified", n])),
    item_attributes: [...staged.itemAttributes],
    user_attributes: [...staged.userAttributes],
    mapping: { ...staged.mapping },
    fingerprint: fingerprintOf(sums.sums),
    sources: [...staged.sources],
    rows_read: staged.rowsRead,
    rejects,
    ...(staged.testFrom === undefined ? {} : { test_from: staged.testFrom }),
    ...(staged.syntheticTimes === true ? { synthetic_times: true } : {}),
  };
}

function fingerprintOf(sums: string): string {
  return [0, 1].map((seed) => hashString(sums, seed).toString(16).padStart(8, "0")).join("");
}
