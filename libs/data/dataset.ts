/** Reading a data set: a folder with interactions.parquet, items.parquet, users.parquet and dataset.json. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { AttributeColumn, Catalog, UserTable } from "#libs/catalog/catalog.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { noProgress, type Progress } from "#libs/core/progress.ts";
import { Duck, sqlName, sqlText } from "./duck.ts";
import type { Interactions } from "./interactions.ts";
import { type DataSetManifest, readManifest } from "./manifest.ts";

export interface DataSet {
  readonly dir: string;
  readonly manifest: DataSetManifest;
  /** 13 bytes an interaction; streams, so that little more is held while loading. */
  loadInteractions(progress?: Progress, signal?: AbortSignal): Promise<Interactions>;
  loadCatalog(): Promise<Catalog>;
  loadUsers(): Promise<UserTable>;
  /** Path of a table, for SQL over the files. */
  file(table: "interactions" | "items" | "users" | "rejects"): string;
  close(): void;
}

/** Reading needs buffers only. */
const readMemoryMb = 1024;

/** Checks that the folder is a data set and opens it. Throws not_found or failed_precondition naming file and field. */
export async function openDataset(dir: string): Promise<DataSet> {
  const manifest = readManifest(dir);
  const file = (table: string): string => join(dir, `${table}.parquet`);
  for (const table of ["interactions", "items", "users"]) {
    if (existsSync(file(table))) continue;
    throw new ModisteError("data_loss", "dataset_incomplete", `${file(table)} is missing`, { field: file(table) });
  }
  const duck = await Duck.open({ memoryLimitMb: readMemoryMb });
  return {
    dir,
    manifest,
    file,
    loadInteractions: (progress, signal) => loadInteractions(duck, file("interactions"), manifest, progress, signal),
    loadCatalog: () => loadCatalog(duck, file("items"), manifest),
    loadUsers: () => loadUsers(duck, file("users"), manifest),
    close: () => duck.close(),
  };
}

async function loadInteractions(
  duck: Duck,
  file: string,
  manifest: DataSetManifest,
  progress: Progress = noProgress,
  signal?: AbortSignal,
): Promise<Interactions> {
  const { users: userCount, items: itemCount, interactions: total } = manifest.counts;
  const loaded = {
    userCount,
    itemCount,
    offsets: new Int32Array(userCount + 1),
    items: new Int32Array(total),
    times: new Uint32Array(total),
    types: new Uint8Array(total),
    values: new Float32Array(total),
  };
  const sql = `SELECT "user"::INTEGER, item::INTEGER, "time"::UINTEGER, type::UTINYINT, value::FLOAT FROM read_parquet(${sqlText(file)})`;
  const result = await duck.connection.stream(sql);
  let at = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    signal?.throwIfAborted();
    const columns = [0, 1, 2, 3, 4].map((column) => chunk!.getColumnVector(column));
    const rows = chunk.rowCount;
    if (at + rows > total) throw wrongCount(file, total, at + rows);
    copyUsers(columns[0]!, rows, userCount, loaded.offsets, file);
    for (let row = 0; row < rows; row++) {
      loaded.items[at + row] = columns[1]!.getItem(row) as number;
      loaded.times[at + row] = columns[2]!.getItem(row) as number;
      loaded.types[at + row] = columns[3]!.getItem(row) as number;
      loaded.values[at + row] = columns[4]!.getItem(row) as number;
    }
    at += rows;
    progress({ step: "load: interactions", done: at, total, unit: "rows" });
  }
  if (at !== total) throw wrongCount(file, total, at);
  for (let user = 0; user < userCount; user++) loaded.offsets[user + 1]! += loaded.offsets[user]!;
  return loaded;
}

/** Counts rows by user into `offsets[user + 1]`; the caller sums. */
function copyUsers(users: { getItem(row: number): unknown }, rows: number, userCount: number, offsets: Int32Array, file: string): void {
  for (let row = 0; row < rows; row++) {
    const user = users.getItem(row) as number;
    if (user < 0 || user >= userCount) {
      throw new ModisteError("data_loss", "dataset_damaged", `${file}: user ${user} is outside 0 to ${userCount - 1}`, { field: file });
    }
    offsets[user + 1]!++;
  }
}

function wrongCount(file: string, expected: number, found: number): ModisteError {
  const message = `${file}: dataset.json says ${expected} interactions, the file holds ${found}${found > expected ? " or more" : ""}`;
  return new ModisteError("data_loss", "dataset_damaged", message, { field: file });
}

async function loadCatalog(duck: Duck, file: string, manifest: DataSetManifest): Promise<Catalog> {
  const count = manifest.counts.items;
  const attributes = manifest.item_attributes.map(createDictionary);
  const category = createDictionary("category");
  const productGroup = createDictionary("product_group");
  const ids: string[] = [];
  const names: string[] = [];
  const texts: string[] = [];
  const prices = new Float32Array(count);
  const firstSaleSeconds = new Uint32Array(count);
  const lastSaleSeconds = new Uint32Array(count);
  const columns = manifest.item_attributes.map((name) => `, ${sqlName(name)}`).join("");
  const sql = `SELECT id, name, text, category, product_group, price::FLOAT, first_sale::UINTEGER, last_sale::UINTEGER${columns}
    FROM read_parquet(${sqlText(file)}) ORDER BY item`;
  await eachRow(duck, sql, file, count, (item, cell) => {
    ids.push(cell(0) as string);
    names.push((cell(1) ?? "") as string);
    texts.push((cell(2) ?? "") as string);
    category.add(cell(3));
    productGroup.add(cell(4));
    prices[item] = (cell(5) ?? 0) as number;
    firstSaleSeconds[item] = (cell(6) ?? 0) as number;
    lastSaleSeconds[item] = (cell(7) ?? 0) as number;
    for (let a = 0; a < attributes.length; a++) attributes[a]!.add(cell(8 + a));
  });
  return {
    itemCount: count,
    ids,
    names,
    texts,
    category: category.column(),
    productGroup: productGroup.column(),
    attributes: attributes.map((attribute) => attribute.column()),
    prices,
    firstSaleSeconds,
    lastSaleSeconds,
  };
}

async function loadUsers(duck: Duck, file: string, manifest: DataSetManifest): Promise<UserTable> {
  const attributes = manifest.user_attributes.map(createDictionary);
  const ids: string[] = [];
  const columns = manifest.user_attributes.map((name) => `, ${sqlName(name)}`).join("");
  const sql = `SELECT id${columns} FROM read_parquet(${sqlText(file)}) ORDER BY "user"`;
  await eachRow(duck, sql, file, manifest.counts.users, (_, cell) => {
    ids.push(cell(0) as string);
    for (let a = 0; a < attributes.length; a++) attributes[a]!.add(cell(1 + a));
  });
  return { userCount: ids.length, ids, attributes: attributes.map((attribute) => attribute.column()) };
}

type Cell = (column: number) => unknown;

async function eachRow(duck: Duck, sql: string, file: string, expected: number, visit: (row: number, cell: Cell) => void): Promise<void> {
  const result = await duck.connection.stream(sql);
  let at = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const vectors = Array.from({ length: chunk.columnCount }, (_, column) => chunk!.getColumnVector(column));
    for (let row = 0; row < chunk.rowCount; row++) visit(at + row, (column) => vectors[column]!.getItem(row));
    at += chunk.rowCount;
  }
  if (at === expected) return;
  throw new ModisteError("data_loss", "dataset_damaged", `${file}: dataset.json says ${expected} rows, the file holds ${at}`, {
    field: file,
  });
}

/** Collects texts into codes, in the order of first appearance. */
function createDictionary(name: string): { add(value: unknown): void; column(): AttributeColumn } {
  const codeOf = new Map<string, number>();
  const codes: number[] = [];
  const add = (value: unknown): void => {
    if (typeof value !== "string") {
      codes.push(-1);
      return;
    }
    const code = codeOf.get(value) ?? codeOf.size;
    if (code === codeOf.size) codeOf.set(value, code);
    codes.push(code);
  };
  return { add, column: () => ({ name, values: [...codeOf.keys()], codes: Int32Array.from(codes) }) };
}
