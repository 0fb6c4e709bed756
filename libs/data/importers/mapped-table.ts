/** Opens a CSV, Parquet or NDJSON file as a relation with our field names, all text, absent fields NULL. */
import { sqlName, sqlText } from "../duck.ts";
import type { Stage } from "./import.ts";
import { type Encoding, inspectFile, parquetColumns, requireColumns, splitLine, wrongFile } from "./source-file.ts";
import { parquetRelation, type Relation, textRelation } from "./text-table.ts";

export interface TableOptions {
  /** Default utf-8. */
  readonly encoding?: Encoding;
  /** Default: the one of comma, semicolon, tab and bar that the first line has most of. */
  readonly delimiter?: string;
}

export interface MappedTable {
  /** Columns: source_line, raw (the row as text), broken (true for a line that is no row), and one text column a field. */
  readonly relation: Relation;
}

/** Throws failed_precondition naming file and column when a mapped column is not in the file. */
export async function openMapped(
  stage: Stage,
  path: string,
  map: Readonly<Record<string, string>>,
  fields: readonly string[],
  options: TableOptions,
  key: string,
): Promise<MappedTable> {
  const file = inspectFile(path);
  const needed = [...new Set(Object.values(map))];
  if (file.format === "parquet") {
    const columns = [...(await parquetColumns(stage.duck, path)).keys()];
    requireColumns(path, columns, needed);
    return { relation: mapped(parquetRelation(file), map, fields, (column) => `${sqlName(column)}::VARCHAR`, rawOf(columns), "false") };
  }
  const encoding = options.encoding ?? "utf-8";
  if (file.firstLine.trimStart().startsWith("{")) {
    requireColumns(
      path,
      jsonKeys(path, file.firstLine),
      needed.filter((column) => column === map.user || column === map.item || column === map.time),
    );
    const lines = textRelation(stage, file, { columns: ["line"], delimiter: "\u0001", quote: "", header: false, encoding }, key);
    const cell = (column: string): string => `CASE WHEN json_valid(line) THEN json_extract_string(line, ${sqlText(jsonPath(column))}) END`;
    return { relation: mapped(lines, map, fields, cell, "line", "NOT json_valid(line)") };
  }
  const delimiter = options.delimiter ?? sniffDelimiter(file.firstLine);
  const columns = splitLine(file.firstLine, delimiter);
  requireColumns(path, columns, needed);
  const rows = textRelation(stage, file, { columns, delimiter, quote: '"', header: true, encoding }, key);
  return { relation: mapped(rows, map, fields, sqlName, rawOf(columns), "false") };
}

function mapped(
  source: Relation,
  map: Readonly<Record<string, string>>,
  fields: readonly string[],
  cell: (column: string) => string,
  raw: string,
  broken: string,
): Relation {
  const names = [...new Set([...fields, ...Object.keys(map)])];
  const columns = names.map((name) => {
    const column = map[name];
    return `${column === undefined ? "NULL::VARCHAR" : `nullif(trim(${cell(column)}), '')`} AS ${sqlName(name)}`;
  });
  return { ...source, sql: `(SELECT source_line, ${raw} AS raw, ${broken} AS broken, ${columns.join(", ")} FROM ${source.sql})` };
}

function rawOf(columns: readonly string[]): string {
  return `concat_ws(',', ${columns.map((column) => `coalesce(${sqlName(column)}::VARCHAR, '')`).join(", ")})`;
}

function jsonPath(column: string): string {
  return `$."${column.replaceAll('"', '\\"')}"`;
}

function jsonKeys(path: string, line: string): string[] {
  try {
    return Object.keys(JSON.parse(line) as object);
  } catch {
    throw wrongFile(path, "one JSON object a line", line.slice(0, 60));
  }
}

function sniffDelimiter(line: string): string {
  const counts = [",", ";", "\t", "|"].map((delimiter) => ({ delimiter, count: line.split(delimiter).length }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).delimiter;
}
