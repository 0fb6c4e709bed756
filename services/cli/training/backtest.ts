/** Replays past weeks: everything is fitted on what was known before each week, then held against what users took in it. */

import { rm } from "node:fs/promises";
import { interactionsBetween, sliceBefore, type TimeWindow } from "#libs/data/splits.ts";
import { bootstrapMean, type Interval } from "#libs/evaluation/bootstrap.ts";
import { metrics } from "#libs/evaluation/metrics/index.ts";
import { eventCode } from "#libs/events/event.ts";
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

export interface BacktestReport {
  readonly rows: readonly BacktestRow[];
  /** MAP of the whole pipeline less that of each other model, paired by user, with intervals over users. */
  readonly differences: ReadonlyMap<string, Interval>;
}

/** What the whole pipeline is called in a report. */
const pipelineModel = "modiste";

type ListMaker = (user: OfflineUser) => ArrayLike<number>;

/** The user's own distinct items, most recently bought first. */
function ownRecent({ items, types }: OfflineUser, k: number): number[] {
  const bought = Array.from(items).filter((_, i) => types[i] === eventCode.purchase);
  return [...new Set(bought.reverse())].slice(0, k);
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
  makers.set(pipelineModel, (user) => recommendOffline(model, catalog, user, k, "drop"));
  return makers;
}

/** Values by model, metric and user. */
type Values = Map<string, Map<string, Map<number, { sum: number; count: number }>>>;

function inner<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}

function addValues(values: Values, model: string, user: number, list: ArrayLike<number>, relevant: ReadonlySet<number>, k: number): void {
  const byMetric = inner(values, model, () => new Map());
  for (const { name, of } of metrics) {
    const value = of(list, relevant, k);
    if (value === null) continue;
    const own = inner(
      inner(byMetric, name, () => new Map()),
      user,
      () => ({ sum: 0, count: 0 }),
    );
    own.sum += value;
    own.count++;
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
    for (const [model, list] of makers) addValues(values, model, user, list(known), relevant, k);
    counted++;
  });
  return counted;
}

/** The paired difference between the model and each other one, by user: positive where the model is better. */
function differences(values: Values, metric: string, model: string, seed: number): Map<string, Interval> {
  const own = values.get(model)?.get(metric);
  const result = new Map<string, Interval>();
  for (const [other, byMetric] of values) {
    const theirs = byMetric.get(metric);
    if (other === model || !own || !theirs) continue;
    const paired = [...own].map(([user, { sum, count }]) => ({ sum: sum - (theirs.get(user)?.sum ?? 0), count }));
    result.set(other, bootstrapMean(paired, seed));
  }
  return result;
}

function summarise(values: Values, seed: number): BacktestReport {
  const rows = [...values].map(([model, byMetric]) => ({
    model,
    figures: new Map([...byMetric].map(([name, users]) => [name, bootstrapMean([...users.values()], seed)])),
  }));
  return { rows, differences: differences(values, "map", pipelineModel, seed) };
}

/** O(weeks x training). Throws what training throws. */
export async function backtest(options: BacktestOptions): Promise<BacktestReport> {
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
