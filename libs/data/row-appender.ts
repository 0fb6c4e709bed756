/** Rows into a table of DuckDB, cell by cell in the order of its columns. */

import { DOUBLE, type DuckDBAppender, LIST, listValue, VARCHAR } from "@duckdb/node-api";
import type { Duck } from "./duck.ts";

export interface RowAppender {
  text(value: string): void;
  flag(value: boolean): void;
  /** BIGINT. */
  whole(value: number): void;
  number(value: number): void;
  bytes(value: Uint8Array): void;
  texts(values: readonly string[]): void;
  numbers(values: readonly number[]): void;
  endRow(): void;
  /** Makes the rows visible to queries. */
  flush(): void;
  close(): void;
}

export async function openAppender(duck: Duck, table: string): Promise<RowAppender> {
  const row: DuckDBAppender = await duck.connection.createAppender(table);
  return {
    text: (value) => row.appendVarchar(value),
    flag: (value) => row.appendBoolean(value),
    whole: (value) => row.appendBigInt(BigInt(Math.floor(value))),
    number: (value) => row.appendDouble(value),
    bytes: (value) => row.appendBlob(value),
    texts: (values) => row.appendList(listValue(values), LIST(VARCHAR)),
    numbers: (values) => row.appendList(listValue(values), LIST(DOUBLE)),
    endRow: () => row.endRow(),
    flush: () => row.flushSync(),
    close: () => row.closeSync(),
  };
}
