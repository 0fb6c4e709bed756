/** What reports look like: their style, and a table that scrolls by itself. */

import { escapeHtml } from "../html.ts";

/** Of every report: light and dark, lines told apart by colour and dash. */
export const reportStyle = `
:root { color-scheme: light dark; --ink: light-dark(#1c2430, #e6e9ee); --paper: light-dark(#fff, #14181f); --soft: light-dark(#e4e8ee, #2c3440); --hit: light-dark(#d5f0dc, #1f4a2d); }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--soft); white-space: nowrap; } th:first-child, td:first-child { text-align: left; }
td.best { font-weight: 700; } .muted { opacity: .7; } .hit { background: var(--hit); border-radius: .25rem; padding: 0 .3rem; }
figure { margin: 1rem 0; } figcaption { font-weight: 600; } svg { max-width: 100%; height: auto; width: 720px; } svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
.grid { stroke: var(--soft); } .line polyline { fill: none; stroke-width: 2; } .line line { stroke-width: 2.5; }
${["#2f6fb3", "#c2410c", "#15803d", "#7e22ce", "#b91c7a", "#0e7490", "#a16207", "#4b5563"]
  .map(
    (colour, i) =>
      `.c${i} { stroke: ${colour}; } .c${i} circle { fill: ${colour}; } .c${i} polyline, .c${i} line { stroke-dasharray: ${["none", "7 3", "2 3", "9 3 2 3"][i % 4]}; } .c${i} text { stroke: none; }`,
  )
  .join("\n")}
.examples { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1rem; } .example { border: 1px solid var(--soft); border-radius: .5rem; padding: .8rem 1rem; } .example ol { margin: .2rem 0 .8rem; padding-left: 1.6rem; }
details pre { overflow-x: auto; background: var(--soft); padding: .8rem; border-radius: .5rem; }
`;

export type Cell = string | { readonly text: string; readonly best: boolean };

export function htmlTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cell = (value: Cell): string =>
    typeof value === "string" ? `<td>${escapeHtml(value)}</td>` : `<td${value.best ? ' class="best"' : ""}>${escapeHtml(value.text)}</td>`;
  const body = rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("\n");
  return `<div class="scroll"><table><thead><tr>${head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join("")}</tr></thead><tbody>${body}</tbody></table></div>`;
}
