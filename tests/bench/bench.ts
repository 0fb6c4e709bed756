/** What a bench is, and what becomes of its figures: a table beside the budgets, and a file in results/. */

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Figure {
  readonly value: number;
  readonly unit: string;
  readonly better: "lower" | "higher";
  /** Of DESIGN section 9, in the same unit; at full size on two quiet cores. */
  readonly budget?: number;
}

/** By name, `<data or load>.<model or shape>.<measure>`. */
export type Figures = Record<string, Figure>;

export interface BenchContext {
  /** Home folder with data set, release and profiles; the bench works on it directly. */
  readonly home: string;
  /** First word of figure names: "small", "full". */
  readonly data: string;
  /** Seconds of one measurement under load. */
  readonly seconds: number;
  /** What runs the ranker's network; several between commas. */
  readonly device: string;
  readonly say: (text: string) => void;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  readonly run: (context: BenchContext) => Promise<Figures>;
}

export const lower = (value: number, unit: string, budget?: number): Figure => ({
  value,
  unit,
  better: "lower",
  ...(budget === undefined ? {} : { budget }),
});
export const higher = (value: number, unit: string, budget?: number): Figure => ({
  value,
  unit,
  better: "higher",
  ...(budget === undefined ? {} : { budget }),
});

/** The value below which a share of `sorted` lies; NaN for an empty list. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted.length === 0 ? Number.NaN : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export const sortedOf = (values: Iterable<number>): Float64Array => Float64Array.from(values).sort();

const short = (value: number): string => (Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3));

function verdict({ value, better, budget }: Figure): string {
  if (budget === undefined) return "";
  return (better === "lower" ? value <= budget : value >= budget) ? "kept" : "MISSED";
}

export function figureTable(figures: Figures): string {
  const rows = Object.entries(figures).map(([name, figure]) => [
    name,
    `${short(figure.value)} ${figure.unit}`,
    figure.budget === undefined ? "" : `${figure.better === "lower" ? "<=" : ">="} ${short(figure.budget)}`,
    verdict(figure),
  ]);
  const all = [["figure", "value", "budget", ""], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
}

/** Writes results/<name>.json; a "+" behind the commit says that the tree had changes. */
export function writeResults(bench: string, figures: Figures): string {
  const folder = join(root, "tests/bench/results");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${bench}.json`);
  const commit = git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+");
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, node ${process.version}`;
  const kept = Object.fromEntries(
    Object.entries(figures).map(([name, { value, unit, better }]) => [name, { value: Number(value.toPrecision(4)), unit, better }]),
  );
  writeFileSync(
    file,
    `${JSON.stringify({ bench, commit, machine, date: new Date().toISOString().slice(0, 10), figures: kept }, null, 2)}\n`,
  );
  return file;
}
