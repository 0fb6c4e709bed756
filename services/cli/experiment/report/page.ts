/** The report of an experiment: one HTML file, no script, nothing loaded. */

import { meanOf } from "#libs/evaluation/measures/measure.ts";
import { escapeHtml } from "../../html.ts";
import { intervalChart, lineChart } from "../../report/charts.ts";
import { type Cell, htmlTable, reportStyle } from "../../report/html-table.ts";
import { formatSeconds } from "../../terminal.ts";
import type { ExperimentDocument } from "../document.ts";
import type { Executed } from "../execute.ts";
import { formatFigure, formatRange } from "../summary.ts";
import { examplesSection } from "./examples.ts";
import { learningCurves } from "./learning-curves.ts";

/** The best of a column stands out; of equals all do. */
function bestCells(columns: readonly number[]): Cell[] {
  const best = Math.max(...columns.filter((value) => !Number.isNaN(value)));
  return columns.map((value) => ({ text: formatFigure(value), best: value === best && columns.length > 1 }));
}

function comparison({ summary }: Executed): string {
  const { models, figures, headline, baseline } = summary;
  const columns = figures.map((figure) => bestCells(models.map(({ means }) => means.get(figure)!)));
  const rows = models.map(({ name, interval, behind, fitSeconds, listSeconds }, m) => [
    name,
    ...columns.map((column) => column[m]!),
    formatRange(interval),
    behind === null ? "" : formatRange(behind),
    behind === null ? "" : behind.p.toFixed(3),
    formatSeconds(fitSeconds),
    formatSeconds(listSeconds),
  ]);
  const head = ["model", ...figures, `${headline} 95 %`, `${baseline} less it`, "p", "fit", "lists"];
  return (
    htmlTable(head, rows) +
    intervalChart(
      `${headline} with its 95 % interval over users`,
      models.map(({ name, interval }) => ({ name, ...interval })),
    )
  );
}

function measuresTable({ summary: { models } }: Executed): string {
  const names = [...(models[0]?.measures.keys() ?? [])];
  const percent = (value: number): string => (Number.isNaN(value) ? "-" : value.toFixed(3));
  return htmlTable(
    ["model", ...names],
    models.map(({ name, measures }) => [name, ...names.map((measure) => percent(measures.get(measure)!))]),
  );
}

function segmentsTable({ summary: { models, segments } }: Executed): string {
  const rows = segments.map(({ segmentation, segment, cases, means }) => [
    `${segmentation}: ${segment}`,
    String(cases),
    ...bestCells(models.map(({ name }) => means.get(name)!)),
  ]);
  return htmlTable(["segment", "cases", ...models.map(({ name }) => name)], rows);
}

function depthChart({ result: { depth } }: Executed): string {
  const lines = [...depth].map(([name, points]) => ({
    name,
    points: points.map(({ candidates, recall }) => ({ x: Math.max(1, candidates), y: recall })),
  }));
  return lineChart({
    title: "Share of what was taken that is among the candidates",
    xLabel: "candidates (mean)",
    yLabel: "recall",
    lines,
  });
}

function sensitivityCharts({ result: { sensitivity }, summary }: Executed): string {
  const settings = [...new Set(sensitivity.map(({ source, setting }) => `${source}.${setting}`))];
  return settings
    .map((name) => {
      const points = sensitivity.filter(({ source, setting }) => `${source}.${setting}` === name);
      const table = htmlTable(
        ["value", summary.headline],
        points.map(({ value, values }) => [String(value), formatFigure(meanOf(values))]),
      );
      const numbers = points.filter(({ value }) => typeof value === "number");
      const line = { name: summary.headline, points: numbers.map(({ value, values }) => ({ x: value as number, y: meanOf(values) })) };
      return numbers.length > 1
        ? lineChart({ title: `Sensitivity to ${name}`, xLabel: name, yLabel: summary.headline, lines: [line] }) + table
        : `<h3>Sensitivity to ${escapeHtml(name)}</h3>${table}`;
    })
    .join("\n");
}

function section(title: string, body: string): string {
  return body === "" ? "" : `<h2>${escapeHtml(title)}</h2>\n${body}`;
}

function dataSetPart(executed: Executed): string {
  const { result, summary } = executed;
  const { data, document, sets } = result;
  return `<h1>${escapeHtml(data.name)}</h1>
<p>${summary.cases} cases of ${summary.users} users in ${sets.length} ${sets.length === 1 ? "set" : "sets"} (${escapeHtml(document.split.kind)}, ${document.part} part), seed ${document.seed}.
Listed may be: ${document.items} items; items taken before ${document.seen === "keep" ? "may return" : "are excluded"}. Metrics are exact, over the full catalogue of ${data.catalog.itemCount} items.</p>
<p class="muted">data fingerprint ${data.fingerprint}; sequences ${summary.digests.slice(0, 4).join(", ")}${summary.digests.length > 4 ? ` and ${summary.digests.length - 4} more` : ""}</p>
${section("Comparison", comparison(executed))}
${section("What the lists are like", measuresTable(executed))}
${section("By segment", segmentsTable(executed))}
${section("Recall by list length", depthChart(executed))}
${section("Learning curves", learningCurves(executed))}
${section("Sensitivity", sensitivityCharts(executed))}
${section("Examples", examplesSection(executed))}`;
}

export function reportPage(document: ExperimentDocument, executed: readonly Executed[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(document.name)}</title><style>${reportStyle}</style></head><body>
${executed.map(dataSetPart).join("\n<hr>\n")}
<details><summary>The experiment's document</summary><pre>${escapeHtml(JSON.stringify(document, null, 2))}</pre></details>
</body></html>
`;
}
