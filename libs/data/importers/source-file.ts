/** Looking at a source file before it is imported: is it there, is it what it should be, does it have its columns. */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { ModisteError } from "#libs/core/errors.ts";
import type { Duck } from "../duck.ts";
import { sqlName, sqlText } from "../duck.ts";
import type { SourceFile } from "../manifest.ts";

export type SourceFormat = "text" | "parquet";
export type Encoding = "utf-8" | "latin-1";

/** What the first bytes of a file say. */
export interface Inspected {
  readonly path: string;
  readonly format: SourceFormat;
  readonly gzip: boolean;
  /** First line without its end, "" for Parquet. */
  readonly firstLine: string;
}

const headBytes = 65_536;

/** Reads the head of a file. Throws not_found without it, failed_precondition when it is empty or no text and no Parquet. */
export function inspectFile(path: string): Inspected {
  if (!existsSync(path)) throw new ModisteError("not_found", "file_missing", `${path}: no such file`, { field: path });
  if (statSync(path).isDirectory()) throw wrongFile(path, "a file", "a folder");
  const head = readHead(path);
  if (head.length === 0) throw new ModisteError("failed_precondition", "file_empty", `${path}: the file is empty`, { field: path });
  if (head.subarray(0, 4).toString("latin1") === "PAR1") return { path, format: "parquet", gzip: false, firstLine: "" };
  const gzip = head[0] === 0x1f && head[1] === 0x8b;
  const text = gzip ? gunzipHead(path, head) : head;
  if (text.length === 0) throw new ModisteError("failed_precondition", "file_empty", `${path}: the file is empty`, { field: path });
  if (text.subarray(0, 4096).includes(0)) throw wrongFile(path, "text, gzip or Parquet", "binary data");
  const [line = ""] = text.toString("utf8").split(/\r?\n/, 1);
  return { path, format: "text", gzip, firstLine: line.replace(/^\uFEFF/, "") };
}

/** Failure of a file that is something else than expected. */
export function wrongFile(path: string, expected: string, found: string): ModisteError {
  return new ModisteError("failed_precondition", "file_wrong", `${path}: expected ${expected}, found ${found}`, { field: path });
}

function readHead(path: string): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(headBytes);
    return buffer.subarray(0, readSync(descriptor, buffer, 0, headBytes, 0));
  } finally {
    closeSync(descriptor);
  }
}

function gunzipHead(path: string, head: Buffer): Buffer {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (cause) {
    throw new ModisteError("failed_precondition", "file_wrong", `${path}: expected gzip, found damaged gzip`, { cause, field: path });
  }
}

/** Cells of one line of delimited text with doubled quotes. */
export function splitLine(line: string, delimiter: string): string[] {
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (char === '"') {
      if (quoted && line[i + 1] === '"') cell += line[i++];
      else quoted = !quoted;
    } else if (!quoted && line.startsWith(delimiter, i)) {
      cells.push(cell);
      cell = "";
      i += delimiter.length - 1;
    } else cell += char;
  }
  return [...cells, cell];
}

/** Throws failed_precondition naming the file, the missing columns and those found. */
export function requireColumns(path: string, found: readonly string[], required: readonly string[]): void {
  const missing = required.filter((column) => !found.includes(column));
  if (missing.length === 0) return;
  const shown = found.slice(0, 30).join(", ").slice(0, 300);
  throw new ModisteError(
    "failed_precondition",
    "column_missing",
    `${path}: column ${missing.join(", ")} is missing; expected ${required.join(", ")}; found ${shown}`,
    { field: missing[0]! },
  );
}

/** Columns of a Parquet file with their types, such as `["price", "DOUBLE"]`. Throws when DuckDB cannot read it. */
export async function parquetColumns(duck: Duck, path: string): Promise<Map<string, string>> {
  try {
    const rows = await duck.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM read_parquet(${sqlText(path)})`);
    return new Map(rows.map((row) => [row.column_name, row.column_type]));
  } catch (cause) {
    throw new ModisteError("failed_precondition", "file_wrong", `${path}: expected Parquet, found a damaged file`, { cause, field: path });
  }
}

/** Throws failed_precondition when a Parquet column has none of the types that its field may have. */
export function requireTypes(path: string, found: ReadonlyMap<string, string>, allowed: Readonly<Record<string, readonly string[]>>): void {
  requireColumns(path, [...found.keys()], Object.keys(allowed));
  for (const [column, types] of Object.entries(allowed)) {
    const type = found.get(column) ?? "";
    if (types.some((name) => type.startsWith(name))) continue;
    throw new ModisteError(
      "failed_precondition",
      "parquet_schema",
      `${path}: column ${column}: expected ${types.join(" or ")}, found ${type}`,
      { field: column },
    );
  }
}

export interface CsvLayout {
  readonly columns: readonly string[];
  readonly delimiter: string;
  /** Text quote; "" for none. */
  readonly quote: string;
  readonly header: boolean;
  readonly encoding: Encoding;
}

/** A table function call that reads text as VARCHAR columns; malformed lines go to the table `<rejects>` and do not fail the scan. */
export function readCsvSql(file: Inspected, layout: CsvLayout, rejects: string): string {
  const columns = layout.columns.map((column) => `${sqlText(column)}: 'VARCHAR'`).join(", ");
  const options = [
    "auto_detect = false",
    `header = ${layout.header}`,
    `delim = ${sqlText(layout.delimiter)}`,
    `quote = ${sqlText(layout.quote)}`,
    `escape = ${sqlText(layout.quote)}`,
    `columns = {${columns}}`,
    `compression = ${file.gzip ? "'gzip'" : "'none'"}`,
    "nullstr = ''",
    "store_rejects = true",
    `rejects_table = ${sqlText(rejects)}`,
    `rejects_scan = ${sqlText(`${rejects}_scan`)}`,
    ...(layout.encoding === "utf-8" ? [] : [`encoding = ${sqlText(layout.encoding)}`]),
  ];
  return `read_csv(${sqlText(file.path)}, ${options.join(", ")})`;
}

/** Name, size and sha256 of source files, for dataset.json. */
export async function describeSources(paths: readonly string[], signal?: AbortSignal): Promise<SourceFile[]> {
  const sources: SourceFile[] = [];
  for (const path of paths) {
    const hash = createHash("sha256");
    for await (const block of createReadStream(path, { highWaterMark: 1 << 20, ...(signal === undefined ? {} : { signal }) })) {
      hash.update(block as Buffer);
    }
    sources.push({ file: basename(path), bytes: statSync(path).size, sha256: hash.digest("hex") });
  }
  return sources;
}

/** Files of a folder whose names match, sorted; the path itself when it is a file. */
export function filesMatching(folder: string, pattern: RegExp): string[] {
  if (!existsSync(folder)) throw new ModisteError("not_found", "file_missing", `${folder}: no such file or folder`, { field: folder });
  if (!statSync(folder).isDirectory()) return pattern.test(basename(folder)) ? [folder] : [];
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** A list of columns as SQL, each quoted. */
export function columnList(columns: readonly string[]): string {
  return columns.map(sqlName).join(", ");
}
