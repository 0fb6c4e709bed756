/** DuckDB as modiste uses it: one instance a job, SQL in files, typed rows, progress and cancellation. */
import { readFileSync } from "node:fs";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { ModisteError } from "#libs/core/errors.ts";
import { noProgress, type Progress } from "#libs/core/progress.ts";

export interface DuckOptions {
  /** Database file; ":memory:" when left out. A file lets tables outgrow memory at compressed size. */
  readonly path?: string;
  /** DuckDB's own limit; the process takes some 300 MB more (Node, buffers of readers). */
  readonly memoryLimitMb: number;
  /** Where sorts and joins spill; nothing spills when left out. */
  readonly tempDir?: string;
  readonly threads?: number;
}

/** What one statement reports while it runs. */
export interface RunOptions {
  readonly step?: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal | undefined;
}

/** How often a running statement is asked how far it is. */
const pollMs = 200;

/** An open database with one connection. Close it: an open one keeps its file and its memory. */
export class Duck {
  readonly connection: DuckDBConnection;
  private readonly instance: DuckDBInstance;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.instance = instance;
    this.connection = connection;
  }

  static async open(options: DuckOptions): Promise<Duck> {
    const settings: Record<string, string> = { memory_limit: `${options.memoryLimitMb}MB`, preserve_insertion_order: "true" };
    if (options.tempDir !== undefined) settings.temp_directory = options.tempDir;
    if (options.threads !== undefined) settings.threads = String(options.threads);
    const instance = await DuckDBInstance.create(options.path ?? ":memory:", settings);
    const connection = await instance.connect();
    await connection.run("SET enable_progress_bar = true");
    await connection.run("SET enable_progress_bar_print = false");
    return new Duck(instance, connection);
  }

  /** Runs statements for their effect. Throws `cancelled` when the signal fires, DuckDB's own error otherwise. */
  async run(sql: string, options: RunOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const interrupt = (): void => this.connection.interrupt();
    options.signal?.addEventListener("abort", interrupt);
    const timer = setInterval(() => this.report(options), pollMs);
    try {
      await this.connection.run(sql);
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error;
    } finally {
      clearInterval(timer);
      options.signal?.removeEventListener("abort", interrupt);
    }
  }

  /** All rows as plain objects; BIGINT comes as bigint. For small answers only. */
  async rows<Row>(sql: string): Promise<Row[]> {
    const reader = await this.connection.runAndReadAll(sql);
    return reader.getRowObjectsJS() as unknown as Row[];
  }

  /** The single row of a query that always has one. */
  async row<Row>(sql: string): Promise<Row> {
    const [first] = await this.rows<Row>(sql);
    if (first === undefined) throw new ModisteError("internal", "query_without_row", `a query gave no row: ${sql.slice(0, 120)}`);
    return first;
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }

  private report(options: RunOptions): void {
    if (options.step === undefined) return;
    // DuckDB counts rows of a step in units of its own; its share is what can be trusted. Negative: not known yet.
    const { percentage } = this.connection.progress;
    if (percentage >= 0) (options.progress ?? noProgress)({ step: options.step, done: Math.round(percentage), total: 100, unit: "%" });
  }
}

/** A text as an SQL literal. */
export function sqlText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** A name as an SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Texts as an SQL list literal. */
export function sqlList(values: readonly string[]): string {
  return `[${values.map(sqlText).join(", ")}]`;
}

/** A value for a placeholder: a number or text becomes a literal, `raw` stands as it is. */
export type SqlValue = string | number | { readonly raw: string };

/** Reads `libs/data/sql/<name>.sql` and fills every `{{placeholder}}`. Throws on a placeholder without a value. */
export function sqlFile(name: string, values: Readonly<Record<string, SqlValue>> = {}): string {
  const text = readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), "utf8");
  return text.replace(/\{\{(\w+)\}\}/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new ModisteError("internal", "sql_placeholder", `${name}.sql: no value for {{${key}}}`);
    if (typeof value === "number") return String(value);
    return typeof value === "string" ? sqlText(value) : value.raw;
  });
}
