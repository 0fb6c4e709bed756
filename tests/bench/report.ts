/** What a bench answers, and how it is shown and kept. */

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { systemClock } from "#libs/core/clock.ts";
import { table } from "../../services/cli/terminal.ts";

export interface Figure {
  /** `<data or load>.<model or shape>.<measure>`, such as "full.one-process.p99". */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly better: "lower" | "higher";
  /** The budget of the design, in the same unit. */
  readonly budget?: number;
}

const folder = fileURLToPath(new URL("./results/", import.meta.url));

function verdict({ value, better, budget }: Figure): string {
  if (budget === undefined) return "";
  return (better === "lower" ? value <= budget : value >= budget) ? "met" : "missed";
}

const round = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2));

export function showFigures(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    round(figure.value),
    figure.unit,
    figure.budget === undefined ? "" : `${figure.better === "lower" ? "<=" : ">="} ${figure.budget}`,
    verdict(figure),
  ]);
  return table([["figure", "value", "unit", "budget", ""], ...rows]);
}

/** Writes `results/<bench>.json`, which is committed when figures change. */
export function keepFigures(bench: string, figures: readonly Figure[]): void {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, Node ${process.versions.node}`;
  const date = new Date(systemClock.nowSeconds() * 1000).toISOString().slice(0, 10);
  const named = Object.fromEntries(figures.map(({ name, value, unit, better }) => [name, { value, unit, better }]));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${bench}.json`, `${JSON.stringify({ bench, commit, machine, date, figures: named }, null, 2)}\n`);
}

/** The value below which `share` of the sorted values lie. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
