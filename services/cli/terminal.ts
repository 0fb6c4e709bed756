/** What commands print: results to stdout, progress and remarks to stderr. */
import type { WriteStream } from "node:tty";
import { type Clock, systemClock } from "#libs/core/clock.ts";
import type { Progress, ProgressUpdate } from "#libs/core/progress.ts";

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A terminal redraws its line this often, a file or pipe gets a line this often. */
const redrawMs = 100;
const lineMs = 5000;

export interface ProgressLine {
  readonly progress: Progress;
  /** Ends the line; call before printing anything else. */
  end(): void;
}

type Output = Pick<WriteStream, "write"> & { readonly isTTY?: boolean; readonly columns?: number };

/** Progress with rate and time left: one line that redraws itself on a terminal, a line every few seconds elsewhere. */
export function progressLine(output: Output = process.stderr, clock: Clock = systemClock): ProgressLine {
  const live = output.isTTY === true;
  let step = "";
  let startedMs = 0;
  let startedAt = 0;
  let shownMs = Number.NEGATIVE_INFINITY;
  let open = false;
  const end = (): void => {
    if (open) output.write("\n");
    open = false;
  };
  const progress = (update: ProgressUpdate): void => {
    const now = clock.monotonicMs();
    if (update.step !== step) {
      end();
      step = update.step;
      startedMs = now;
      startedAt = update.done;
      if (live) shownMs = Number.NEGATIVE_INFINITY;
    }
    if (now - shownMs < (live ? redrawMs : lineMs)) return;
    shownMs = now;
    const text = formatProgress(update, update.done - startedAt, (now - startedMs) / 1000);
    if (live) output.write(`\r\u001b[2K${text.slice(0, (output.columns ?? 100) - 1)}`);
    else output.write(`${text}\n`);
    open = live;
  };
  return { progress, end };
}

/** `step  1.2 M of 3 M rows (40 %), 500 k rows/s, 4 s left`. */
export function formatProgress(update: ProgressUpdate, doneHere: number, seconds: number): string {
  const parts: string[] = [];
  if (update.total > 0) {
    const percent = Math.min(100, Math.floor((100 * update.done) / update.total));
    parts.push(`${formatCount(update.done)} of ${formatCount(update.total)} ${update.unit} (${percent} %)`);
  } else if (update.done > 0) parts.push(`${formatCount(update.done)} ${update.unit}`);
  const rate = seconds > 0.5 ? doneHere / seconds : 0;
  if (rate > 0) parts.push(`${formatCount(rate)} ${update.unit}/s`);
  if (rate > 0 && update.total > update.done) parts.push(`${formatSeconds((update.total - update.done) / rate)} left`);
  return parts.length === 0 ? update.step : `${update.step}  ${parts.join(", ")}`;
}

/** 1234567 as "1.2 M". */
export function formatCount(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${(value / 1e9).toFixed(1)} G`;
  if (size >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(0)} k`;
  return Number.isInteger(value) ? String(value) : value.toFixed(size < 10 ? 1 : 0);
}

export function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** Rows as aligned columns; numbers stand right. The first row is the head. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const head = rows[0] ?? [];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? "").length)));
  const right = head.map((_, column) =>
    rows.slice(1).every((row) => typeof row[column] === "number" || /^[\d.,\s%+-]*$/.test(String(row[column] ?? ""))),
  );
  const line = (row: readonly (string | number)[]): string =>
    row
      .map((cell, column) => (right[column] === true ? String(cell).padStart(widths[column]!) : String(cell).padEnd(widths[column]!)))
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Horizontal bars, one a row, scaled to the largest value. Values must not be negative. */
export function barPlot(rows: readonly { readonly label: string; readonly value: number; readonly text?: string }[], width = 50): string {
  const largest = Math.max(0, ...rows.map((row) => row.value));
  const labelWidth = Math.max(0, ...rows.map((row) => row.label.length));
  const textWidth = Math.max(0, ...rows.map((row) => (row.text ?? formatCount(row.value)).length));
  const bar = (value: number): string => {
    const units = largest === 0 ? 0 : Math.round((value / largest) * width * 8);
    return "█".repeat(Math.floor(units / 8)) + eighths[units % 8]!;
  };
  return rows
    .map((row) =>
      `${row.label.padEnd(labelWidth)}  ${(row.text ?? formatCount(row.value)).padStart(textWidth)}  ${bar(row.value)}`.trimEnd(),
    )
    .join("\n");
}
