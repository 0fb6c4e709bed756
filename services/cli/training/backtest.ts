/** Replays past weeks: everything is fitted on what was known before each week, then held against what users took in it. */

import { rm } from "node:fs/promises";
import { interactionsBetween, sliceBefore, type TimeWindow } from "#libs/data/splits.ts";
import { bootstrapMean, type Interval } from "#libs/evaluation/bootstrap.ts";
import { metrics } from "#libs/evaluation/metrics/index.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { type OfflineUser, offlineCandidates, offlineUser } from "./offline.ts";
import { recommendOffline } from "./recommend.ts";
import { type TrainedRelease, type TrainOptions, trainRelease } from "./train-release.ts";

export interface BacktestOptions extends Omit<TrainOptions, "store"> {
  /** Latest first or last, as you like: they are replayed in the order given. */
  readonly weeks: readonly TimeWindow[];
  /** External ids of the users that count; null: all. */
  readonly users: ReadonlySet<string> | null;
  readonly k: number;
  /** Folder for the releases of the replay; removed at the end. */
  readonly scratch: string;
  readonly onWeek: (week: TimeWindow, users: number) => void;
}

export interface BacktestRow {
  readonly model: string;
  /** By metric name, pooled over user-weeks. */
  readonly figures: ReadonlyMap<string, Interval>;
}

type ListMaker = (user: OfflineUser) => ArrayLike<number>;

/** The user's own distinct items, most recently bought first. */
function ownRecent({ items }: OfflineUser, k: number): number[] {
  return [...new Set(Array.from(items).reverse())].slice(0, k);
}

function mostPopular({ statistics: { count7 } }: TrainedRelease, k: number): number[] {
  return [...count7.keys()].sort((a, b) => count7[b]! - count7[a]! || a - b).slice(0, k);
}

/** Every model that the report compares, by name: two baselines, each source alone, and the whole pipeline. */
function listMakers(trained: TrainedRelease, k: number): Map<string, ListMaker> {
  const { model, catalog } = trained;
  const popular = mostPopular(trained, k);
  const makers = new Map<string, ListMaker>([
    ["most popular of 7 days", () => popular],
    ["own most recent", (user) => ownRecent(user, k)],
  ]);
  for (const source of model.sources) {
    makers.set(source.name, (user) =>
      offlineCandidates([source], user, catalog, { [source.name]: k * 3 }, k * 3, "drop").items.subarray(0, k),
    );
  }
  makers.set("modiste", (user) => recommendOffline(model, catalog, user, k, "drop"));
  return makers;
}

type Values = Map<string, Map<string, number[]>>;

function addValues(values: Values, model: string, list: ArrayLike<number>, relevant: ReadonlySet<number>, k: number): void {
  const byMetric = values.get(model) ?? new Map<string, number[]>();
  values.set(model, byMetric);
  for (const { name, of } of metrics) {
    const value = of(list, relevant, k);
    if (value === null) continue;
    const known = byMetric.get(name);
    if (known) known.push(value);
    else byMetric.set(name, [value]);
  }
}

function evaluateWeek(options: BacktestOptions, trained: TrainedRelease, week: TimeWindow, values: Values): number {
  const { data, users, k } = options;
  const truth = interactionsBetween(data.interactions, week.from, week.to);
  const makers = listMakers(trained, k);
  let counted = 0;
  truth.users.forEach((user, i) => {
    if (users !== null && !users.has(data.users.ids[user]!)) return;
    const relevant = new Set(truth.items.subarray(truth.offsets[i]!, truth.offsets[i + 1]!));
    const known = offlineUser(data.interactions, data.users, user, week.from);
    for (const [model, list] of makers) addValues(values, model, list(known), relevant, k);
    counted++;
  });
  return counted;
}

function summarise(values: Values, seed: number): BacktestRow[] {
  return [...values].map(([model, byMetric]) => ({
    model,
    figures: new Map([...byMetric].map(([name, list]) => [name, bootstrapMean(list, seed)])),
  }));
}

/** O(weeks x training). Throws what training throws. */
export async function backtest(options: BacktestOptions): Promise<BacktestRow[]> {
  const { data, weeks, scratch } = options;
  const values: Values = new Map();
  try {
    for (const week of weeks) {
      options.signal.throwIfAborted();
      const past = { ...data, interactions: sliceBefore(data.interactions, week.from), endSeconds: week.from };
      const trained = await trainRelease({ ...options, data: past, store: openFolderStore(scratch) });
      options.onWeek(week, evaluateWeek(options, trained, week, values));
      await rm(scratch, { recursive: true, force: true });
    }
    return summarise(values, options.seed);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
