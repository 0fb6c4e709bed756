/** `modiste describe <data set>`: counts and plots, in the terminal or as one page. */
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { type DataSet, openDataset } from "#libs/data/dataset.ts";
import { type Description, describeDataset } from "#libs/data/describe.ts";
import { barPlot, formatCount, print, table } from "../terminal.ts";
import { describePage } from "./describe-page.ts";

export function describeCommand(): Command {
  return new Command("describe")
    .description("what is in a data set: counts over time, long tail, histories, baskets, categories")
    .argument("<dir>", "folder of a data set")
    .option("--html <file>", "write a page with the plots")
    .action(runDescribe);
}

async function runDescribe(dir: string, flags: { readonly html?: string }): Promise<void> {
  const dataSet = await openDataset(dir);
  try {
    const description = await describeDataset(dataSet);
    print(describeText(dataSet, description));
    if (flags.html === undefined) return;
    writeFileSync(flags.html, describePage(dataSet.manifest, factRows(dataSet, description), description));
    print(`\nwritten: ${flags.html}`);
  } finally {
    dataSet.close();
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Names and values of the figures, for the table of text and page alike. */
export function factRows({ manifest }: DataSet, { tail, users }: Description): [string, string][] {
  const day = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
  const { counts, time_range: range } = manifest;
  const quantiles = (values: readonly number[]): string => values.join(" / ");
  return [
    ["interactions", formatCount(counts.interactions)],
    [
      "event types",
      Object.entries(manifest.event_types)
        .map(([type, n]) => `${type} ${formatCount(n)}`)
        .join(", "),
    ],
    ["users (with interactions)", `${formatCount(counts.users)} (${formatCount(users.users_with)})`],
    ["items (with interactions)", `${formatCount(counts.items)} (${formatCount(tail.items_with)})`],
    ["density", percent(counts.interactions / Math.max(1, users.users_with) / Math.max(1, tail.items_with))],
    ["time", `${day(range.first)} to ${day(range.last)}${manifest.synthetic_times === true ? " (positions, not instants)" : ""}`],
    ["share of the top 1 / 5 / 10 % of items", `${percent(tail.top1)} / ${percent(tail.top5)} / ${percent(tail.top10)}`],
    ["Gini over items", tail.gini.toFixed(3)],
    ["items with fewer than 5 interactions", percent(tail.cold_share)],
    ["items never sold", String(counts.items - tail.items_with)],
    ["history, 10/25/50/75/90/99 %", quantiles(users.history)],
    ["history, mean", users.history_mean.toFixed(1)],
    ["basket (user and day), 10/25/50/75/90/99 %", quantiles(users.basket)],
    ["basket, mean", users.basket_mean.toFixed(2)],
    ["pairs (user, item) on more than one day", percent(users.repeated_pairs)],
    ["interactions that repeat a pair", percent(users.repeat_share)],
    [
      "rejected rows",
      Object.entries(manifest.rejects)
        .map(([reason, n]) => `${reason} ${n}`)
        .join(", ") || "none",
    ],
    ["fingerprint", manifest.fingerprint],
  ];
}

function describeText(dataSet: DataSet, description: Description): string {
  const bars = (rows: Description["months"]): string => barPlot(rows.map(({ label, n }) => ({ label, value: n })));
  const sections = [
    table([[dataSet.manifest.name, ""], ...factRows(dataSet, description)]),
    `interactions a month\n${bars(description.months.slice(-36))}`,
    `interactions by category\n${bars(description.categories)}`,
  ];
  return sections.join("\n\n");
}
