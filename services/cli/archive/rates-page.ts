/** Click and purchase rates as a table for the terminal and as one HTML file. */

import { escapeHtml } from "../html.ts";
import { intervalChart, lineChart } from "../report/charts.ts";
import { htmlTable, reportStyle } from "../report/html-table.ts";
import type { Rates, Shown } from "./rates.ts";

/** Normal quantile of a 95 % interval. */
const z = 1.96;

/** Wilson's interval of a share (Wilson 1927, JASA 22): holds where counts are small, as clicks are. */
export function wilson(hits: number, of: number): { readonly mean: number; readonly low: number; readonly high: number } {
  if (of === 0) return { mean: 0, low: 0, high: 0 };
  const share = hits / of;
  const middle = (share + (z * z) / (2 * of)) / (1 + (z * z) / of);
  const half = (z / (1 + (z * z) / of)) * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  return { mean: share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

export interface Group {
  readonly name: string;
  readonly shown: number;
  readonly clicked: number;
  readonly bought: number;
}

/** Sums of the places by a name, in the order of first appearance. */
export function grouped(places: readonly Shown[], nameOf: (place: Shown) => string): Group[] {
  const groups = new Map<string, Group>();
  for (const place of places) {
    const name = nameOf(place);
    const { shown, clicked, bought } = groups.get(name) ?? { shown: 0, clicked: 0, bought: 0 };
    groups.set(name, { name, shown: shown + place.shown, clicked: clicked + place.clicked, bought: bought + place.bought });
  }
  return [...groups.values()];
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const range = (hits: number, of: number): string => {
  const { mean, low, high } = wilson(hits, of);
  return `${percent(mean)} (${percent(low)} to ${percent(high)})`;
};

const surfaceOf = ({ surface }: Shown): string => (surface === "" ? "no surface" : surface);

export const rateHead = ["", "items shown", "clicked", "click rate, 95 %", "bought", "purchase rate, 95 %"] as const;

export const rateRows = (groups: readonly Group[]): string[][] =>
  groups.map(({ name, shown, clicked, bought }) => [
    name,
    `${shown}`,
    `${clicked}`,
    range(clicked, shown),
    `${bought}`,
    range(bought, shown),
  ]);

export const byReleaseAndSurface = ({ places }: Rates): Group[] => grouped(places, (place) => `${place.release} ${surfaceOf(place)}`);

function byPlace(places: readonly Shown[], hits: "clicked" | "bought"): string {
  const lines = [...new Set(places.map(surfaceOf))].map((surface) => ({
    name: surface,
    points: grouped(
      places.filter((place) => surfaceOf(place) === surface),
      ({ place }) => `${place}`,
    ).map((group) => ({ x: Number(group.name), y: group[hits] / group.shown })),
  }));
  return lineChart({ title: `Share of items ${hits} by place in the list`, xLabel: "place, from 0", yLabel: "share", lines });
}

/** One file, no script, nothing loaded. */
export function ratesPage(rates: Rates): string {
  const groups = byReleaseAndSurface(rates);
  const bars = (hits: "clicked" | "bought") => groups.map((group) => ({ name: group.name, ...wilson(group[hits], group.shown) }));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>What came of answers</title>
<style>${reportStyle}</style></head><body>
<h1>What came of answers</h1>
<p>${rates.answers} answers. An item counts once an answer. ${rates.unmatched > 0 ? `${rates.unmatched} events name an answer or item that the archive does not hold. ` : ""}${escapeHtml("Rates are over items shown; intervals are Wilson's.")}</p>
<h2>By release and surface</h2>
${htmlTable(rateHead, rateRows(groups))}
${intervalChart("Share of items clicked", bars("clicked"))}
${intervalChart("Share of items bought", bars("bought"))}
<h2>By place</h2>
${byPlace(rates.places, "clicked")}
${byPlace(rates.places, "bought")}
${htmlTable(rateHead, rateRows(grouped(rates.places, ({ place }) => `place ${place}`)))}
</body></html>
`;
}
