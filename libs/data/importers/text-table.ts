/** Reading a source file into a table of its rows, numbered, with malformed lines put aside. */
import { ModisteError } from "#libs/core/errors.ts";
import { sqlFile, sqlName, sqlText } from "../duck.ts";
import type { Stage } from "./import.ts";
import { type CsvLayout, type Inspected, readCsvSql } from "./source-file.ts";

/** A relation that yields the file's columns and `source_line`, the 1-based number of the row among the well-formed ones. */
export interface Relation {
  readonly sql: string;
  /** After the relation was read: moves malformed lines to stage_rejects and answers how many there were. */
  settle(): Promise<number>;
  /** Expression for the line in the file, given the expression of `source_line`; use after `settle`. */
  line(sourceLine: string): string;
}

/** Text with a layout; `key` names the table of its malformed lines and must be new for each file of an import. */
export function textRelation(stage: Stage, file: Inspected, layout: CsvLayout, key: string): Relation {
  const rejects = `rejects_${key}`;
  const header = layout.header ? 1 : 0;
  return {
    sql: `(SELECT row_number() OVER () AS source_line, * FROM ${readCsvSql(file, layout, rejects)})`,
    settle: async () => {
      const values = { rejects: { raw: sqlName(rejects) }, lines: { raw: sqlName(`${rejects}_lines`) }, file: file.path, header };
      await stage.run("import: malformed lines", sqlFile("settle-rejects", values));
      const { n } = await stage.duck.row<{ n: number }>(`SELECT count(*)::DOUBLE AS n FROM ${sqlName(`${rejects}_lines`)}`);
      return n;
    },
    line: (sourceLine) =>
      `(${sourceLine} + ${header} + (SELECT count(*) FROM ${sqlName(`${rejects}_lines`)} l WHERE l.before < ${sourceLine}))`,
  };
}

/** Parquet rows; they are numbered from 1 and cannot be malformed. */
export function parquetRelation(file: Inspected): Relation {
  return {
    sql: `(SELECT file_row_number + 1 AS source_line, * EXCLUDE (file_row_number) FROM read_parquet(${sqlText(file.path)}, file_row_number = true))`,
    settle: async () => 0,
    line: (sourceLine) => sourceLine,
  };
}

/** Wraps what DuckDB says about a file that it cannot read to its end (damaged gzip, cut Parquet). */
export async function readingFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ModisteError || (cause instanceof Error && cause.name === "AbortError")) throw cause;
    const [first = ""] = String(cause instanceof Error ? cause.message : cause).split("\n", 1);
    throw new ModisteError("failed_precondition", "file_unreadable", `${path}: cannot be read: ${first}`, { cause, field: path });
  }
}
