/** The page of `modiste describe --html`: one file, no script, nothing loaded. */
import type { Description, LabelledCount } from "#libs/data/describe.ts";
import type { DataSetManifest } from "#libs/data/manifest.ts";
import { escapeHtml } from "../html.ts";
import { formatCount } from "../terminal.ts";

/** HTML of the whole page; every text of the data set is escaped. */
export function describePage(manifest: DataSetManifest, facts: readonly (readonly [string, string])[], description: Description): string {
  const rows = facts.map(([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`).join("\n");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(manifest.name)}</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
th { text-align: left; font-weight: 500; padding-right: 2rem; vertical-align: top; } td { font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: currentColor; } svg rect { fill: #3a7ca5; }
</style></head><body>
<h1>${escapeHtml(manifest.name)}</h1>
<table>${rows}</table>
<h2>Interactions a month</h2>
${columnPlot(description.months)}
<h2>Interactions by category</h2>
${rowPlot(description.categories)}
</body></html>
`;
}

/** Upright bars with a label under every few of them. */
function columnPlot(rows: readonly LabelledCount[]): string {
  const [width, height, foot, head] = [900, 240, 24, 16];
  const step = width / Math.max(1, rows.length);
  const largest = Math.max(1, ...rows.map((row) => row.n));
  const every = Math.ceil(rows.length / 12);
  const bars = rows.map((row, index) => {
    const tall = ((height - foot - head) * row.n) / largest;
    const [x, y] = [index * step, height - foot - tall];
    const label = index % every === 0 ? `<text x="${x.toFixed(1)}" y="${height - 6}">${escapeHtml(row.label)}</text>` : "";
    const title = `<title>${escapeHtml(row.label)}: ${row.n}</title>`;
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(step * 0.8).toFixed(1)}" height="${tall.toFixed(1)}">${title}</rect>${label}`;
  });
  return svg(width, height, `${bars.join("")}<text x="0" y="11">most: ${formatCount(largest)}</text>`, "interactions a month");
}

function rowPlot(rows: readonly LabelledCount[]): string {
  const [width, line, left] = [900, 24, 240];
  const largest = Math.max(1, ...rows.map((row) => row.n));
  const bars = rows.map((row, index) => {
    const wide = ((width - left - 80) * row.n) / largest;
    const y = index * line;
    const text = `<text x="${left - 8}" y="${y + 16}" text-anchor="end">${escapeHtml(row.label.slice(0, 32))}</text>`;
    return `${text}<rect x="${left}" y="${y + 4}" width="${wide.toFixed(1)}" height="16"></rect><text x="${(left + wide + 6).toFixed(1)}" y="${y + 16}">${formatCount(row.n)}</text>`;
  });
  return svg(width, line * Math.max(1, rows.length), bars.join(""), "interactions by category");
}

function svg(width: number, height: number, content: string, label: string): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}">${content}</svg>`;
}
