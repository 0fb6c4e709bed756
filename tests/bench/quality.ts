/**
 * Quality on public data, from raw files to figures: imports what is missing, runs the documents in quality/, holds figures against the
 * published ones. Recorded runs are taken as they are (`--fresh` forgets them).
 */

import { createReadStream, existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { noProgress } from "#libs/core/progress.ts";
import { findHmFiles, importHm } from "#libs/data/importers/hm.ts";
import type { ImportOptions } from "#libs/data/importers/import.ts";
import { importInteractions } from "#libs/data/importers/interactions.ts";
import { importSequences } from "#libs/data/importers/sequences.ts";
import { bootstrapMean } from "#libs/evaluation/bootstrap.ts";
import { readExperiment } from "../../services/cli/experiment/document.ts";
import { type Executed, executeExperiment, experimentFolder, printSummary, writeSummary } from "../../services/cli/experiment/execute.ts";
import { reportPage } from "../../services/cli/experiment/report/page.ts";
import { homeFolders } from "../../services/cli/home.ts";
import { type Figure, type Figures, higher, lower, root } from "./bench.ts";

/** Published or measured by others on the same files: what ours is to reach. */
type Targets = Readonly<Record<string, number>>;

interface QualitySet {
  readonly name: string;
  /** Folder of the raw files below `--raw`. */
  readonly raw: string;
  readonly data: string;
  readonly prepare: (raw: string, options: ImportOptions) => Promise<unknown>;
  /** External ids of the users that count. */
  readonly users?: (raw: string) => Promise<readonly string[]>;
  readonly figures: readonly string[];
  readonly targets: Targets;
}

/** Customers of the full-history file: column 2 of a CSV. */
async function fullHistoryUsers(raw: string): Promise<readonly string[]> {
  const ids = new Set<string>();
  const lines = createInterface({ input: createReadStream(join(raw, "transactions_full_history.csv.gz")).pipe(createGunzip()) });
  for await (const line of lines) ids.add(line.split(",")[1]!.replaceAll('"', ""));
  ids.delete("customer_id");
  return [...ids];
}

const importOnlineRetail: QualitySet["prepare"] = (raw, options) =>
  importInteractions(join(raw, "online_retail.csv.gz"), {
    ...options,
    map: {
      user: "CustomerID",
      item: "StockCode",
      time: "InvoiceDate",
      value: "UnitPrice",
      quantity: "Quantity",
      name: "Description",
      "user.country": "Country",
    },
  });

const hmWeekFiles = ["articles.csv.gz", "customers.csv.gz", "transactions_2020-09-16_2020-09-22.csv.gz"];

const sets: readonly QualitySet[] = [
  {
    name: "gowalla",
    raw: "gowalla",
    data: "gowalla",
    prepare: (raw, options) =>
      importSequences(join(raw, "train.txt.gz"), { ...options, layout: "user-items", test: join(raw, "test.txt.gz") }),
    figures: ["recall@20", "ndcg@20"],
    targets: {
      "gowalla.itemcf-bspm.recall@20": 0.172,
      "gowalla.itemcf-bspm.ndcg@20": 0.14,
      "gowalla.lightgcn-bspm.recall@20": 0.192,
      "gowalla.lightgcn-bspm.ndcg@20": 0.16,
      "gowalla.lightgcn-softmax.recall@20": 0.183,
      "gowalla.lightgcn-softmax.ndcg@20": 0.155,
    },
  },
  {
    name: "diginetica",
    raw: "diginetica",
    data: "diginetica-sessions",
    prepare: (raw, options) =>
      importSequences(join(raw, "train_sessions.txt.gz"), {
        ...options,
        layout: "items",
        type: "view",
        sessionsPerDay: 1000,
        test: join(raw, "test.txt.gz"),
      }),
    figures: ["recall@20", "mrr@20"],
    targets: { "diginetica.itemcf.recall@20": 0.525, "diginetica.itemcf.mrr@20": 0.186 },
  },
  {
    name: "beauty",
    raw: "amazon-beauty",
    data: "beauty",
    prepare: (raw, options) => importSequences(join(raw, "Beauty.txt.gz"), { ...options, layout: "user-items" }),
    figures: ["hr@10", "ndcg@10"],
    // What a blend of neighbours and sequential rules reached on the same file, and EASE on the last items.
    targets: {
      "beauty.itemcf-knn.hr@10": 0.098,
      "beauty.itemcf-knn.ndcg@10": 0.063,
      "beauty.itemcf-ease.hr@10": 0.088,
      "beauty.itemcf-ease.ndcg@10": 0.053,
    },
  },
  {
    name: "online-retail",
    raw: "online-retail",
    data: "online-retail",
    prepare: importOnlineRetail,
    figures: ["map@12"],
    targets: { "online-retail.modiste-linear.map@12": 0.2, "online-retail.modiste-wide-deep.map@12": 0.225 },
  },
  {
    name: "online-retail-ablations",
    raw: "online-retail",
    data: "online-retail",
    prepare: importOnlineRetail,
    figures: ["map@12"],
    targets: {},
  },
  {
    name: "hm",
    raw: "hm",
    data: "hm",
    prepare: (raw, options) => importHm(findHmFiles([raw]), options),
    users: fullHistoryUsers,
    figures: ["map@12"],
    targets: {},
  },
  {
    name: "hm-week",
    raw: "hm",
    data: "hm-week",
    prepare: (raw, options) => importHm(findHmFiles(hmWeekFiles.map((file) => join(raw, file))), options),
    figures: ["map@12"],
    targets: { "hm-week.modiste.map@12": 0.0282 },
  },
];

/** "lightgcn (walk and bspm)" as a word of a figure's name. */
const wordOf = (model: string): string => model.replace(/[()]/g, "").trim().replace(/[ _]+/g, "-");

function figuresOf({ name, figures, targets }: QualitySet, { summary, result }: Executed): Figures {
  const found: Record<string, Figure> = {};
  for (const model of summary.models) {
    const prefix = `${name}.${wordOf(model.name)}`;
    const values = result.models.find(({ name: own }) => own === model.name)!.values;
    for (const figure of figures) {
      const { mean, low, high } = bootstrapMean(values.get(figure)!, result.users, result.document.seed);
      found[`${prefix}.${figure}`] = higher(mean, "", targets[`${prefix}.${figure}`]);
      found[`${prefix}.${figure}.low`] = higher(low, "");
      found[`${prefix}.${figure}.high`] = higher(high, "");
    }
    if (model.behind !== null) found[`${prefix}.${summary.headline}.behind-${wordOf(summary.baseline)}.p`] = lower(model.behind.p, "");
    if (model.fitSeconds > 0) found[`${prefix}.fit`] = lower(model.fitSeconds / result.sets.length, "s/fit");
  }
  return found;
}

export interface QualityOptions {
  readonly home: string | undefined;
  readonly raw: string;
  readonly names: readonly string[];
  readonly fresh: boolean;
  readonly threads: number;
  readonly say: (text: string) => void;
}

/** Imports a data set unless it is there. */
export async function ensureData(folder: string, name: string, prepare: (options: ImportOptions) => Promise<unknown>): Promise<void> {
  if (existsSync(join(folder, "dataset.json"))) return;
  await prepare({ out: folder, name, maxRejects: 1, progress: noProgress, signal: new AbortController().signal });
}

/** Figures of every set whose raw files are there, one set after the other; says which were skipped. */
export async function* qualityFigures({
  home,
  raw,
  names,
  fresh,
  threads,
  say,
}: QualityOptions): AsyncGenerator<{ readonly set: string; readonly figures: Figures }> {
  const folders = homeFolders(home);
  for (const set of sets.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const folder = resolve(raw, set.raw);
    if (!existsSync(folder)) {
      say(`${set.name}: skipped, ${folder} is not there`);
      continue;
    }
    say(`${set.name}: starting`);
    await ensureData(join(folders.data, set.data), set.data, (options) => set.prepare(folder, options));
    let document = readExperiment(join(root, `tests/bench/quality/${set.name}.yaml`));
    const results = experimentFolder(folders, document.name);
    await mkdir(results, { recursive: true });
    if (set.users) {
      const file = join(results, "users.txt");
      await writeFile(file, (await set.users(folder)).join("\n"));
      document = { ...document, users: file };
    }
    const executed = await executeExperiment(document, { folders, threads, fresh });
    const figures: Figures = {};
    for (const one of executed) {
      printSummary(one);
      Object.assign(figures, figuresOf(set, one));
    }
    await writeSummary(results, executed);
    await writeFile(join(results, "report.html"), reportPage(document, executed));
    say(`${set.name}: report in ${join(results, "report.html")}`);
    // Of the command so far: the sets run one after the other in this process.
    figures[`${set.name}.peak-memory`] = lower(process.resourceUsage().maxRSS / 1024, "MiB");
    yield { set: set.name, figures };
  }
}
