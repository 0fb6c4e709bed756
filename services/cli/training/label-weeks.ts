/** Label sets: what sources, fitted on nothing of them, say of users whose next items are known. */

import type { Catalog, UserTable } from "#libs/catalog/catalog.ts";
import { secondsPerDay } from "#libs/core/clock.ts";
import { type Cases, leaveLastOut, sampleCases } from "#libs/data/cases.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { interactionsBetween, lastWindows, sliceBefore } from "#libs/data/splits.ts";
import { type EventType, eventCode, historyMax } from "#libs/events/event.ts";
import { catalogAsOf, countItems } from "#libs/features/item-statistics.ts";
import type { LabelledQuery, LabelWeek } from "#libs/serve/ranker.ts";
import { type ListingRules, type LoadedSource, offlineCandidates, offlineUser, rankQuery } from "./offline.ts";

/** From which sets the ranker learns, and what counts in them. */
export interface LabelRecipe extends ListingRules {
  /** `windows`: the last windows of time; `leave_last_out`: the last event of each user, for data without a common time. */
  readonly kind: "windows" | "leave_last_out";
  readonly windows: number;
  readonly days: number;
  /** Latest events of a user that models see. */
  readonly history: number;
  /** Events that count as taken. */
  readonly targets: readonly EventType[];
}

/** Three weeks before the end, as serving sees users and items. */
export const defaultLabels: LabelRecipe = {
  kind: "windows",
  windows: 3,
  days: 7,
  items: "available",
  seen: "keep",
  history: historyMax,
  targets: ["purchase"],
};

export type LabelCases = Omit<Cases, "train">;

export interface LabelSets {
  /** What sources are fitted on: before every label. */
  readonly past: Interactions;
  readonly pastEndSeconds: number;
  /** Latest first. */
  readonly sets: readonly LabelCases[];
}

/** The shortest data that label windows can be taken from: as many and one more, to fit the sources on. */
export const dataSecondsMin = ({ windows, days }: LabelRecipe = defaultLabels): number => (windows + 1) * days * secondsPerDay;

export function labelSets(interactions: Interactions, endSeconds: number, labels: LabelRecipe): LabelSets {
  if (labels.kind === "leave_last_out") {
    const cases = leaveLastOut(interactions, 0, { types: labels.targets, users: null });
    return { past: cases.train, pastEndSeconds: cases.endSeconds, sets: [cases] };
  }
  const windows = lastWindows(endSeconds, labels.windows, labels.days * secondsPerDay);
  const pastEndSeconds = windows.at(-1)!.from;
  const types = labels.targets.map((type) => eventCode[type]);
  const sets = windows.map(({ from, to }) => {
    const truth = interactionsBetween(interactions, from, to, { types });
    const nowSeconds = new Float64Array(truth.users.length).fill(from);
    return { ...truth, name: new Date(from * 1000).toISOString().slice(0, 10), histories: interactions, nowSeconds, endSeconds: from };
  });
  return { past: sliceBefore(interactions, pastEndSeconds), pastEndSeconds, sets };
}

export interface LabelWeekOptions {
  readonly catalog: Catalog;
  readonly users: UserTable;
  /** Fitted on events before every label. */
  readonly sources: readonly LoadedSource[];
  readonly quotas: Readonly<Record<string, number>>;
  readonly candidatesMax: number;
  readonly labels: LabelRecipe;
  /** Most cases of one set; more are sampled. */
  readonly usersMax: number;
  readonly seed: number;
}

function labelsOf(items: Int32Array, taken: ReadonlySet<number>): Uint8Array {
  return Uint8Array.from(items, (item) => (taken.has(item) ? 1 : 0));
}

/** Queries are made while they are read, so that a set never stands in memory. */
function* labelledQueries(options: LabelWeekOptions, catalog: Catalog, all: LabelCases): Generator<LabelledQuery> {
  const { users, sources, quotas, candidatesMax, usersMax, seed, labels } = options;
  const cases = sampleCases(all, usersMax, seed);
  for (let c = 0; c < cases.users.length; c++) {
    const user = offlineUser(cases.histories, users, cases.users[c]!, cases.nowSeconds[c]!, labels.history);
    const candidates = offlineCandidates(sources, user, catalog, quotas, candidatesMax, labels);
    const taken = new Set(cases.items.subarray(cases.offsets[c], cases.offsets[c + 1]));
    yield { query: rankQuery(user, candidates), labels: labelsOf(candidates.items, taken), taken: taken.size };
  }
}

export function labelWeek(options: LabelWeekOptions, cases: LabelCases): LabelWeek {
  const statistics = countItems(cases.histories, options.users, cases.endSeconds, options.labels.targets);
  const catalog = catalogAsOf(options.catalog, statistics);
  return {
    nowSeconds: cases.endSeconds,
    catalog,
    statistics,
    queries: { [Symbol.iterator]: () => labelledQueries(options, catalog, cases) },
  };
}
