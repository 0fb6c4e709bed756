/** The last complete week, held out: a candidate against the release that serves, on the same users. */

import { type Cases, sampleCases, windowCases } from "#libs/data/cases.ts";
import { lastCompleteWeeks, sliceBefore } from "#libs/data/splits.ts";
import { bootstrapMean, type Interval, pairedDifference } from "#libs/evaluation/bootstrap.ts";
import { type CaseValues, figureName, type Lists, packedLists, scoreLists } from "#libs/evaluation/lists.ts";
import { coverage } from "#libs/evaluation/measures/coverage.ts";
import { casesContext } from "#libs/evaluation/measures/measure.ts";
import { averagePrecision } from "#libs/evaluation/metrics/average-precision.ts";
import { ndcg } from "#libs/evaluation/metrics/ndcg.ts";
import { recall } from "#libs/evaluation/metrics/recall.ts";
import { segmentationsOf, valuesIn } from "#libs/evaluation/segments.ts";
import type { Figure, WatchedFigure } from "#libs/release/manifest.ts";
import { type ListingRules, type OfflineUser, offlineUser } from "../training/offline.ts";
import { recommendOffline } from "../training/recommend.ts";
import type { TrainingData } from "../training/train-release.ts";
import type { LoadedRelease } from "./load-release.ts";

const holdoutK = 12;
const watchedMetrics = [averagePrecision, ndcg, recall] as const;
/** Cases that are compared: enough to see a loss of a few percent, few enough for minutes at full size. */
const casesMax = 20_000;
/** A segment of fewer cases is not watched. */
const segmentCasesLeast = 50;
/** Chance of refusing a candidate that is as good, over all figures and over all segments together. */
const errorShare = 0.05;
/** A candidate that lists less than this share of the items that the serving release lists has collapsed. */
const coverageShareLeast = 0.5;
const rules: ListingRules = { items: "available", seen: "keep" };

export interface HeldOutWeek {
  readonly cases: Cases;
  /** The data before the week. */
  readonly past: TrainingData;
}

export function holdOutLastWeek(data: TrainingData, seed: number): HeldOutWeek {
  const [week] = lastCompleteWeeks(data.endSeconds, 1);
  const all = windowCases(data.interactions, week!, { types: ["purchase"], users: null });
  const past = { ...data, interactions: sliceBefore(data.interactions, week!.from), endSeconds: week!.from };
  return { cases: sampleCases(all, casesMax, seed), past };
}

/** The user in the release's own item indexes; items that it does not know are left out, as in serving. */
function userFor({ catalog }: LoadedRelease, user: OfflineUser, ids: readonly string[]): OfflineUser {
  const rows = Array.from(user.items.keys()).filter((i) => catalog.indexOf.has(ids[user.items[i]!]!));
  return {
    ...user,
    items: Int32Array.from(rows, (i) => catalog.indexOf.get(ids[user.items[i]!]!)!),
    times: Float64Array.from(rows, (i) => user.times[i]!),
    types: Uint8Array.from(rows, (i) => user.types[i]!),
  };
}

/** What the release would have listed to every case, in the item indexes of the data; an item that the data do not know fills a place. */
export async function listsOf(release: LoadedRelease, { cases }: HeldOutWeek, data: TrainingData): Promise<Lists> {
  const { ids } = data.catalog;
  const indexOf = new Map(ids.map((id, index) => [id, index]));
  const lists: Int32Array[] = [];
  for (const [c, user] of cases.users.entries()) {
    const known = userFor(release, offlineUser(cases.histories, data.users, user, cases.nowSeconds[c]!), ids);
    // As the gateway does: a release knows of no sale after its own data.
    const own = { ...rules, availableAtSeconds: Math.min(cases.nowSeconds[c]!, release.catalog.endSeconds) };
    const listed = await recommendOffline(release.model, release.catalog, known, holdoutK, own);
    lists.push(listed.map((item) => indexOf.get(release.catalog.ids[item]!) ?? data.catalog.itemCount));
  }
  return packedLists(lists, cases.users.length, holdoutK);
}

const asFigure = ({ mean, low, high, count }: Interval): Figure =>
  Number.isNaN(mean) ? { value: 0, users: 0 } : { value: mean, low, high, users: count };

export interface HoldoutComparison {
  /** The candidate's figures, such as "holdout.map@12". */
  readonly metrics: Readonly<Record<string, Figure>>;
  readonly watched: Readonly<Record<string, WatchedFigure>>;
  /** Why the candidate must not serve; empty when it may. */
  readonly losses: readonly string[];
}

/** Figures of one release alone. */
function holdoutMetrics(lists: Lists, { cases }: HeldOutWeek, seed: number): Record<string, Figure> {
  const values = scoreLists(lists, cases, watchedMetrics, [holdoutK]);
  return Object.fromEntries(
    [...values].map(([figure, column]) => [`holdout.${figure}`, asFigure(bootstrapMean(column, cases.users, seed))]),
  );
}

interface WatchedColumns {
  readonly name: string;
  readonly candidate: CaseValues;
  readonly current: CaseValues;
}

/** The first metric by segment, where there are enough cases. */
function segmentColumns(cases: Cases, data: TrainingData, candidate: CaseValues, current: CaseValues, figure: string): WatchedColumns[] {
  return segmentationsOf(cases, data.users).flatMap((segmentation) =>
    segmentation.segments.flatMap((segment, s) => {
      const part = {
        name: `${figure}, ${segmentation.name} ${segment}`,
        candidate: valuesIn(segmentation, s, candidate),
        current: valuesIn(segmentation, s, current),
      };
      return part.candidate.filter((value) => !Number.isNaN(value)).length >= segmentCasesLeast ? [part] : [];
    }),
  );
}

/** Compares case by case. A loss counts where its sign is sure after as many looks as there are (Bonferroni). */
export function compareOnHoldout(
  lists: { readonly candidate: Lists; readonly current: Lists },
  week: HeldOutWeek,
  data: TrainingData,
  seed: number,
): HoldoutComparison {
  const { cases } = week;
  const candidate = scoreLists(lists.candidate, cases, watchedMetrics, [holdoutK]);
  const current = scoreLists(lists.current, cases, watchedMetrics, [holdoutK]);
  const whole = [...candidate].map(([name, column]) => ({ name, candidate: column, current: current.get(name)! }));
  const first = figureName(watchedMetrics[0], holdoutK);
  const parts = segmentColumns(cases, data, candidate.get(first)!, current.get(first)!, first);
  const watched: Record<string, WatchedFigure> = {};
  const losses: string[] = [];
  for (const [group, columns] of [
    ["whole", whole],
    ["parts", parts],
  ] as const) {
    for (const { name, candidate: own, current: theirs } of columns) {
      const { mean, low, high, p } = pairedDifference(own, theirs, cases.users, seed);
      if (Number.isNaN(mean)) continue;
      watched[name] = {
        candidate: asFigure(bootstrapMean(own, cases.users, seed)),
        current: asFigure(bootstrapMean(theirs, cases.users, seed)),
        difference: { value: mean, low, high, p },
      };
      const level = errorShare / columns.length;
      if (mean < 0 && p < level)
        losses.push(
          `loss of ${group === "whole" ? name : `segment ${name}`}: ${mean.toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`,
        );
    }
  }
  return { metrics: holdoutMetrics(lists.candidate, week, seed), watched, losses: [...losses, ...collapse(lists, week, data)] };
}

function collapse({ candidate, current }: { candidate: Lists; current: Lists }, { cases }: HeldOutWeek, data: TrainingData): string[] {
  const context = casesContext(cases, data.catalog);
  const [own, theirs] = [candidate, current].map((lists) => coverage.of({ ...context, lists })) as [number, number];
  if (own >= theirs * coverageShareLeast) return [];
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  return [`popularity_collapse: lists hold ${percent(own)} of the catalogue, those of the serving release ${percent(theirs)}`];
}
