/** Measures a data set in the figures of `targets.ts`. Made for data in the H&M layout; figures without their columns are left out. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DataSet, openDataset } from "../dataset.ts";
import { Duck, sqlFile } from "../duck.ts";
import type { Interactions } from "../interactions.ts";
import { endOfData, historyBefore, interactionsBetween, lastCompleteWeeks, type TimeWindow, type WindowTruth } from "../splits.ts";
import { type RealismTarget, realismTargets } from "./targets.ts";

export interface RealismFigure extends RealismTarget {
  readonly value: number;
  /** "outside" fails; "not_judged": the shop is too small for this figure. */
  readonly verdict: "inside" | "outside" | "not_judged";
}

const sqlFigures = ["customers", "baskets", "weeks", "concentration", "repeats", "articles"] as const;

/** All figures of a data set, in the order of the targets. Takes about a second a million purchases. */
export async function measureRealism(dir: string): Promise<RealismFigure[]> {
  const dataSet = await openDataset(dir);
  try {
    const values = { ...(await measureBySql(dataSet)), ...measureMaps(await dataSet.loadInteractions()) };
    return realismTargets.flatMap((target) => judge(target, values[target.id], dataSet.manifest.counts.items));
  } finally {
    dataSet.close();
  }
}

function judge(target: RealismTarget, value: number | undefined, items: number): RealismFigure[] {
  if (value === undefined) return [];
  if (target.itemsMin !== undefined && items < target.itemsMin) return [{ ...target, value, verdict: "not_judged" }];
  return [{ ...target, value, verdict: value >= target.low && value <= target.high ? "inside" : "outside" }];
}

async function measureBySql(dataSet: DataSet): Promise<Record<string, number>> {
  const tempDir = mkdtempSync(join(tmpdir(), "modiste-realism-"));
  const duck = await Duck.open({ path: join(tempDir, "realism.duckdb"), tempDir, memoryLimitMb: 4000 });
  try {
    const values: Record<string, number> = {};
    const files = { interactions: dataSet.file("interactions"), users: dataSet.file("users"), items: dataSet.file("items") };
    await duck.run(sqlFile("realism-base", files));
    const hasProfiles = ["age", "club", "fn"].every((name) => dataSet.manifest.user_attributes.includes(name));
    for (const part of hasProfiles ? [...sqlFigures, "profiles"] : sqlFigures) {
      Object.assign(values, await duck.row<Record<string, number>>(sqlFile(`realism-${part}`)));
    }
    return values;
  } finally {
    duck.close();
    rmSync(tempDir, { recursive: true, force: true });
  }
}

const listLength = 12;

function measureMaps(interactions: Interactions): Record<string, number> {
  const weeks = lastCompleteWeeks(endOfData(interactions), 27);
  const [last, before] = [weeks[0]!, weeks[1]!];
  const truth = truthOf(interactions, last);
  return {
    map_popular: meanAveragePrecision(truth, fixedList(bestSellers(truthOf(interactions, before), () => true))),
    map_popular_ceiling: splitHalf(truth),
    map_repurchase: meanRepurchase(interactions, weeks.slice(0, 26)),
  };
}

function truthOf(interactions: Interactions, window: TimeWindow): WindowTruth {
  return interactionsBetween(interactions, window.from, window.to);
}

/** The best sellers of every second customer, scored on the others. */
function splitHalf(truth: WindowTruth): number {
  const sellers = [0, 1].map((half) => bestSellers(truth, (place) => place % 2 === half));
  return meanAveragePrecision(truth, (place) => sellers[1 - (place % 2)]!);
}

function fixedList(list: Int32Array): (place: number) => Int32Array {
  return () => list;
}

/** The 12 articles with most customers, most first. */
function bestSellers(truth: WindowTruth, counts: (place: number) => boolean): Int32Array {
  const sold = new Map<number, number>();
  for (let place = 0; place < truth.users.length; place++) {
    if (!counts(place)) continue;
    for (let i = truth.offsets[place]!; i < truth.offsets[place + 1]!; i++) sold.set(truth.items[i]!, (sold.get(truth.items[i]!) ?? 0) + 1);
  }
  const best = [...sold].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, listLength);
  return Int32Array.from(best, ([item]) => item);
}

/** MAP@12 over the customer-weeks of several weeks, each customer's list being the 12 distinct articles bought last before the week. */
function meanRepurchase(interactions: Interactions, weeks: readonly TimeWindow[]): number {
  let sum = 0;
  let count = 0;
  for (const week of weeks) {
    const truth = truthOf(interactions, week);
    const recent = (place: number): Int32Array => recentItems(interactions, truth.users[place]!, week.from);
    sum += truth.users.length * meanAveragePrecision(truth, recent);
    count += truth.users.length;
  }
  return sum / Math.max(1, count);
}

function recentItems(interactions: Interactions, user: number, beforeSeconds: number): Int32Array {
  const { start, end } = historyBefore(interactions, user, beforeSeconds);
  const items = new Set<number>();
  for (let i = end - 1; i >= start && items.size < listLength; i--) items.add(interactions.items[i]!);
  return Int32Array.from(items);
}

/** Mean over customers of AP@12 = 1/min(m, 12) * sum over hits of precision at the hit. */
function meanAveragePrecision(truth: WindowTruth, listOf: (place: number) => Int32Array): number {
  let sum = 0;
  for (let place = 0; place < truth.users.length; place++) {
    const relevant = truth.items.subarray(truth.offsets[place], truth.offsets[place + 1]);
    let hits = 0;
    let precision = 0;
    for (const [rank, item] of listOf(place).entries()) if (relevant.includes(item)) precision += ++hits / (rank + 1);
    sum += precision / Math.min(listLength, relevant.length);
  }
  return sum / Math.max(1, truth.users.length);
}
