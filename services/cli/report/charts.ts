/** Plots as inline SVG: nothing is loaded, colours follow the page's. */

import { escapeHtml } from "../html.ts";

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Logarithmic x axis: list lengths and epochs double. */
  readonly logX?: boolean;
  readonly lines: readonly Line[];
}

const size = { width: 720, height: 320, left: 64, right: 150, top: 16, foot: 44 } as const;
const tickCount = 4;

/** A few round numbers from `low` to `high`. */
function ticks(low: number, high: number): number[] {
  const step = 10 ** Math.floor(Math.log10((high - low || 1) / tickCount));
  const nice = [1, 2, 5, 10].map((factor) => factor * step).find((candidate) => (high - low) / candidate <= tickCount + 1) ?? step * 10;
  const marks: number[] = [];
  for (let mark = Math.ceil(low / nice) * nice; mark <= high + nice * 1e-9; mark += nice) marks.push(Number(mark.toPrecision(12)));
  return marks;
}

const short = (value: number): string => (Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3))));

/** Lines with a legend at the right; each line has its own dash and marker, so that colour is not the only difference. */
export function lineChart({ title, xLabel, yLabel, logX = false, lines }: LineChart): string {
  const all = lines.flatMap(({ points }) => points).filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  if (all.length === 0) return "";
  const scaleX = (x: number): number => (logX ? Math.log(x) : x);
  const xs = all.map(({ x }) => scaleX(x));
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const top = Math.max(...all.map(({ y }) => y));
  const bottom = Math.min(0, ...all.map(({ y }) => y));
  const [right, foot] = [size.width - size.right, size.height - size.foot];
  const px = (x: number): number => size.left + ((scaleX(x) - x0) / (x1 - x0 || 1)) * (right - size.left);
  const py = (y: number): number => foot - ((y - bottom) / (top - bottom || 1)) * (foot - size.top);
  const grid = ticks(bottom, top).map(
    (mark) =>
      `<line class="grid" x1="${size.left}" x2="${right}" y1="${py(mark).toFixed(1)}" y2="${py(mark).toFixed(1)}"/>` +
      `<text x="${size.left - 8}" y="${(py(mark) + 4).toFixed(1)}" text-anchor="end">${short(mark)}</text>`,
  );
  const xMarks = logX ? [...new Set(all.map(({ x }) => x))].sort((a, b) => a - b) : ticks(x0, x1);
  const bottomMarks = xMarks.map((mark) => `<text x="${px(mark).toFixed(1)}" y="${foot + 18}" text-anchor="middle">${short(mark)}</text>`);
  const drawn = lines.map(({ name, points }, i) => {
    const path = points.map(({ x, y }) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(" ");
    const dots = points.map(
      ({ x, y }) =>
        `<circle cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="3"><title>${escapeHtml(name)}: ${short(y)} at ${short(x)}</title></circle>`,
    );
    const legendY = size.top + 8 + i * 18;
    const legend = `<line x1="${right + 12}" x2="${right + 36}" y1="${legendY}" y2="${legendY}"/><text x="${right + 42}" y="${legendY + 4}">${escapeHtml(name.slice(0, 16))}</text>`;
    return `<g class="line c${i % 8}"><polyline points="${path}"/>${points.length <= 60 ? dots.join("") : ""}${legend}</g>`;
  });
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>
<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escapeHtml(title)}">${grid.join("")}${bottomMarks.join("")}
<text x="${(size.left + right) / 2}" y="${size.height - 6}" text-anchor="middle">${escapeHtml(xLabel)}</text>
<text x="14" y="${(size.top + foot) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(size.top + foot) / 2})">${escapeHtml(yLabel)}</text>
${drawn.join("\n")}</svg></figure>`;
}

export interface IntervalBar {
  readonly name: string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Means as dots with their intervals, one a row, from zero. */
export function intervalChart(title: string, bars: readonly IntervalBar[]): string {
  const [width, line, left, right] = [720, 26, 180, 70];
  const most = Math.max(...bars.map(({ high }) => high), 1e-9);
  const px = (value: number): number => left + (value / most) * (width - left - right);
  const rows = bars.map(({ name, mean, low, high }, i) => {
    const y = i * line + line / 2;
    return `<g class="line c${i % 8}"><text x="${left - 10}" y="${y + 4}" text-anchor="end">${escapeHtml(name.slice(0, 26))}</text>
<line x1="${px(Math.max(0, low)).toFixed(1)}" x2="${px(high).toFixed(1)}" y1="${y}" y2="${y}"/><circle cx="${px(mean).toFixed(1)}" cy="${y}" r="5"/>
<text x="${(px(high) + 8).toFixed(1)}" y="${y + 4}">${mean.toFixed(4)}</text></g>`;
  });
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>
<svg viewBox="0 0 ${width} ${line * bars.length}" role="img" aria-label="${escapeHtml(title)}">${rows.join("\n")}</svg></figure>`;
}
