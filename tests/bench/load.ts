/** Offers load to a running shop and reads what it says of itself. */

import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "#libs/core/random.ts";
import { openDataset } from "#libs/data/dataset.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { runScript } from "./children.ts";
import type { LoadPlan, LoadReport } from "./load-generator.ts";

/** The data set that the serving release of a home was made of. */
export async function dataFolder(home: string): Promise<string> {
  const store = openFolderStore(join(home, "releases"));
  const release = await store.current();
  if (release === null) throw new Error(`${home} has no serving release`);
  return join(home, "data", (await store.manifest(release)).data.name);
}

/** Ids of users of the data set, drawn with a seed. */
export async function sampleUsers(home: string, count: number): Promise<string[]> {
  const dataset = await openDataset(await dataFolder(home));
  try {
    const { ids } = await dataset.loadUsers();
    const random = createRandom(1, "bench users");
    return Array.from({ length: count }, () => ids[random.below(ids.length)]!);
  } finally {
    dataset.close();
  }
}

export async function writePaths(paths: readonly string[]): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), "modiste-bench-")), "paths.txt");
  await writeFile(file, paths.join("\n"));
  return file;
}

export async function offer(plan: LoadPlan): Promise<LoadReport> {
  return JSON.parse(await runScript("tests/bench/load-generator.ts", [JSON.stringify(plan)])) as LoadReport;
}

/** Resident memory of a process, MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Clock ticks a second in /proc; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Processor time that a process has taken, milliseconds: what a busy machine does not blur. */
export async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // Fields 14 and 15, counted behind the name, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

/** Sum and count of a histogram by one of its labels. */
export type Totals = ReadonlyMap<string, { readonly sum: number; readonly count: number }>;

export async function totals(url: string, metric: string, label: string): Promise<Totals> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = new Map<string, { sum: number; count: number }>();
  for (const [, what, labels, value] of text.matchAll(new RegExp(`^${metric}_(sum|count)\\{([^}]*)\\} (\\S+)$`, "gm"))) {
    const key = new RegExp(`${label}="([^"]*)"`).exec(labels!)?.[1] ?? "";
    const entry = found.get(key) ?? { sum: 0, count: 0 };
    entry[what as "sum" | "count"] += Number(value);
    found.set(key, entry);
  }
  return found;
}

/** Mean milliseconds by label between two looks. */
export function meansBetween(before: Totals, after: Totals): Map<string, number> {
  const means = new Map<string, number>();
  for (const [key, { sum, count }] of after) {
    const { sum: sumBefore, count: countBefore } = before.get(key) ?? { sum: 0, count: 0 };
    if (count > countBefore) means.set(key, ((sum - sumBefore) / (count - countBefore)) * 1000);
  }
  return means;
}
