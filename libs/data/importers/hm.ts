/**
 * The layout of Kaggle's "H&M Personalized Fashion Recommendations": articles.csv, customers.csv and one or more transactions files
 * (CSV, gzip or Parquet). Ids are text: their leading zeros count. See data/README for how overlapping files are joined.
 */
import { basename } from "node:path";
import { ModisteError } from "#libs/core/errors.ts";
import { sqlFile, sqlName } from "../duck.ts";
import type { DataSetManifest } from "../manifest.ts";
import { type ImportOptions, importDataset, type Stage, type Staged } from "./import.ts";
import {
  describeSources,
  filesMatching,
  type Inspected,
  inspectFile,
  parquetColumns,
  requireColumns,
  requireTypes,
  splitLine,
  wrongFile,
} from "./source-file.ts";
import { parquetRelation, type Relation, readingFile, textRelation } from "./text-table.ts";

export interface HmFiles {
  readonly articles: string;
  readonly customers: string;
  readonly transactions: readonly string[];
}

const articleColumns = ["article_id", "product_code", "prod_name", "product_type_name", "detail_desc"] as const;

/** Our attribute name to the source's column. */
const itemAttributes = {
  colour: "colour_group_name",
  colour_master: "perceived_colour_master_name",
  garment_kind: "product_group_name",
  appearance: "graphical_appearance_name",
  section_group: "index_group_name",
  index_name: "index_name",
  section: "section_name",
  garment_group: "garment_group_name",
  department: "department_name",
} as const;

const userAttributes = { age: "age", club: "club_member_status", news: "fashion_news_frequency", active: "Active", fn: "FN" } as const;
const customerColumns = ["customer_id", ...Object.values(userAttributes)];

const textTypes = ["VARCHAR"];
/** Ids must be text: a number has lost its leading zeros. */
const transactionTypes = {
  t_dat: ["DATE", "VARCHAR", "TIMESTAMP"],
  customer_id: textTypes,
  article_id: textTypes,
  price: ["DOUBLE", "FLOAT", "DECIMAL", "VARCHAR"],
  sales_channel_id: ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "VARCHAR"],
};

/** The files of a folder, or of a list of files in any order, told apart by name. Throws when one kind is missing. */
export function findHmFiles(paths: readonly string[]): HmFiles {
  const matching = (kind: string): string[] => {
    const pattern = new RegExp(`^${kind}.*\\.(csv|csv\\.gz|parquet)$`);
    const found = paths.flatMap((path) => filesMatching(path, pattern));
    if (found.length > 0) return found;
    const where = paths.join(", ");
    throw new ModisteError("not_found", "file_missing", `${where}: no ${kind}*.csv, .csv.gz or .parquet found`, { field: `${kind}.csv` });
  };
  const one = (kind: string): string => {
    const found = matching(kind);
    if (found.length > 1) throw wrongFile(found[1]!, `one ${kind} file`, `${found.length}`);
    return found[0]!;
  };
  return { articles: one("articles"), customers: one("customers"), transactions: matching("transactions") };
}

/** Imports the H&M layout. Prices become values times 590; a purchase has the time 00:00 UTC of its day. */
export async function importHm(files: HmFiles, options: ImportOptions): Promise<DataSetManifest> {
  return importDataset(options, async (stage) => {
    const sources = describeSources([files.articles, files.customers, ...files.transactions], stage.signal);
    sources.catch(() => {});
    const rows = await stageFiles(stage, files);
    return staged(rows, await sources);
  });
}

async function stageFiles(stage: Stage, files: HmFiles): Promise<number> {
  const articles = await stageArticles(stage, files.articles);
  const customers = await stageCustomers(stage, files.customers);
  const transactions = await stageTransactions(stage, files.transactions);
  return articles + customers + transactions;
}

function staged(rowsRead: number, sources: Staged["sources"]): Staged {
  const mapping = {
    item: "article_id",
    user: "customer_id",
    time: "t_dat",
    value: "price * 590",
    channel: "sales_channel_id",
    name: "prod_name",
    text: "detail_desc",
    category: "product_type_name",
    product_group: "product_code",
    ...Object.fromEntries(Object.entries(itemAttributes).map(([ours, theirs]) => [`item.${ours}`, theirs])),
    ...Object.fromEntries(Object.entries(userAttributes).map(([ours, theirs]) => [`user.${ours}`, theirs])),
  };
  const names = { itemAttributes: Object.keys(itemAttributes), userAttributes: Object.keys(userAttributes) };
  return { importer: "hm", ...names, mapping, sources, rowsRead };
}

async function stageArticles(stage: Stage, path: string): Promise<number> {
  const required = [...articleColumns, ...Object.values(itemAttributes)];
  const relation = await openRelation(stage, path, required, "articles");
  const attributes = Object.entries(itemAttributes).map(([ours, theirs]) => `, ${sqlName(theirs)} AS ${sqlName(ours)}`);
  const values = { relation: { raw: relation.sql }, attributes: { raw: attributes.join("") } };
  await readingFile(path, () => stage.run(`import: ${basename(path)}`, sqlFile("hm-articles", values)));
  return settle(stage, path, relation, "articles", "hm-article-rejects");
}

async function stageCustomers(stage: Stage, path: string): Promise<number> {
  const relation = await openRelation(stage, path, customerColumns, "customers");
  const sql = sqlFile("hm-customers", { relation: { raw: relation.sql } });
  await readingFile(path, () => stage.run(`import: ${basename(path)}`, sql));
  return settle(stage, path, relation, "customers", "hm-customer-rejects");
}

async function stageTransactions(stage: Stage, paths: readonly string[]): Promise<number> {
  const parts: string[] = [];
  let before = 0;
  for (const [number, path] of paths.entries()) {
    const table = `transactions_${number}`;
    const relation = await openRelation(stage, path, Object.keys(transactionTypes), table);
    const values = { relation: { raw: relation.sql }, table: { raw: table } };
    await readingFile(path, () => stage.run(`import: ${basename(path)}`, sqlFile("hm-transactions", values)));
    parts.push(`SELECT *, ${number} AS file_number, source_line + ${before} AS source_row FROM ${table}`);
    before += await settle(stage, path, relation, table, "hm-transaction-rejects");
  }
  await stage.run("import: users", sqlFile("hm-users", { union: { raw: parts.join(" UNION ALL ") } }));
  if (paths.length > 1) await stage.run("import: rows in several files", sqlFile("hm-doubles"));
  const without = paths.length > 1 ? " AND t.source_row NOT IN (SELECT source_row FROM doubles)" : "";
  await stage.run("import: interactions", sqlFile("hm-interactions", { without_doubles: { raw: without } }));
  return before;
}

/** Moves the bad rows of a table that was read and answers how many rows the file had, bad ones included. */
async function settle(stage: Stage, path: string, relation: Relation, table: string, sql: string): Promise<number> {
  const malformed = await relation.settle();
  const alias = table.slice(0, 1);
  const line = { raw: relation.line(`${alias}.source_line`) };
  await stage.run("import: bad rows", sqlFile(sql, { file: path, line, table: { raw: table } }));
  const { n } = await stage.duck.row<{ n: number }>(`SELECT count(*)::DOUBLE AS n FROM ${table}`);
  return n + malformed;
}

/** Checks the columns of a file (and the types of a Parquet file) and answers how to read it. */
async function openRelation(stage: Stage, path: string, required: readonly string[], key: string): Promise<Relation> {
  const file = inspectFile(path);
  if (file.format === "text") return csvRelation(stage, file, required, key);
  const types: Record<string, readonly string[]> = key.startsWith("transactions")
    ? transactionTypes
    : Object.fromEntries(required.map((column) => [column, textTypes]));
  requireTypes(path, await parquetColumns(stage.duck, path), types);
  return parquetRelation(file);
}

function csvRelation(stage: Stage, file: Inspected, required: readonly string[], key: string): Relation {
  const columns = splitLine(file.firstLine, ",");
  requireColumns(file.path, columns, required);
  return textRelation(stage, file, { columns, delimiter: ",", quote: '"', header: true, encoding: "utf-8" }, key);
}
