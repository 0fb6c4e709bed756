/** Checks of a whole release by itself: whatever its figures were, such a release must not serve. */

import { ModisteError } from "#libs/core/errors.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import type { FleetModels } from "../../fleet.ts";
import { servingRules } from "../training/golden.ts";
import { offlineCandidates, rankQuery } from "../training/offline.ts";
import { recommendOffline } from "../training/recommend.ts";
import { goldenUser, type LoadedRelease, loadRelease } from "./load-release.ts";

/** Fewer candidates say nothing about constant scores. */
const candidatesLeast = 10;
/** Golden requests with history that must not all get one and the same list. */
const personalLeast = 3;
/** Of the release's own popular list so many must have been sold lately, by its own vocabulary. */
const popularShown = 50;
const popularSoldShare = 0.8;
const soldWithinSeconds = 60 * 86_400;

const spread = (scores: Float64Array | Float32Array): boolean => scores.some((score) => score !== scores[0]);

/** What is wrong with the scores: each golden request's ranking, and each source over all of them. */
async function scoreProblems(release: LoadedRelease): Promise<string[]> {
  const { model, catalog, manifest } = release;
  const problems: string[] = [];
  const tables = manifest.golden.map((golden) => {
    const user = goldenUser(release, golden);
    return { golden, user, table: offlineCandidates(model.sources, user, catalog, model.quotas, model.candidatesMax, servingRules) };
  });
  const long = tables.filter(({ table }) => table.items.length >= candidatesLeast);
  for (const { golden, user, table } of long) {
    const scores = await model.ranker.score(model.artifact, rankQuery(user, table));
    const broken = scores.findIndex((score) => !Number.isFinite(score));
    if (broken >= 0)
      problems.push(`non_finite: the ranker scores candidate ${broken} of golden request "${golden.name}" ${scores[broken]}`);
    else if (!spread(scores))
      problems.push(`constant_scores: the ranker gives all candidates of golden request "${golden.name}" one score`);
  }
  for (const { name } of model.sources) {
    const columns = tables.flatMap(({ table }) =>
      table.sources.filter(({ source, ranks }) => source === name && ranks.filter((rank: number) => rank > 0).length >= candidatesLeast),
    );
    const named = columns.map(({ scores, ranks }) => scores.filter((_: number, i: number) => ranks[i]! > 0) as Float32Array);
    if (named.some((scores) => scores.some((score) => !Number.isFinite(score)))) problems.push(`non_finite: source ${name}`);
    else if (named.length > 0 && !named.some(spread))
      problems.push(`constant_scores: source ${name} gives all of its candidates one score`);
  }
  return problems;
}

/** Golden requests must be answered as they were when the release was made, and not all alike. */
async function goldenProblems(release: LoadedRelease): Promise<string[]> {
  const { model, catalog, manifest } = release;
  const problems: string[] = [];
  const personal: string[] = [];
  for (const golden of manifest.golden) {
    const listed = await recommendOffline(model, catalog, goldenUser(release, golden), golden.n, servingRules);
    const ids = Array.from(listed, (item) => catalog.ids[item]!);
    const place = golden.items.findIndex((id, i) => id !== ids[i]);
    if (place >= 0 || ids.length !== golden.items.length) {
      problems.push(
        `golden_differs: golden request "${golden.name}" has ${ids[place] ?? "nothing"} at place ${place + 1}, not ${golden.items[place] ?? "nothing"}`,
      );
    }
    if (golden.events.item_ids.length > 0) personal.push(ids.join(" "));
  }
  if (personal.length >= personalLeast && new Set(personal).size === 1) {
    problems.push(`popularity_collapse: ${personal.length} golden requests with different histories get one and the same list`);
  }
  return problems;
}

/** A vocabulary that is not the one that was trained with names items that nobody buys. */
function vocabularyProblems({ catalog, popular }: LoadedRelease): string[] {
  const shown = popular.subarray(0, popularShown);
  const sold = shown.filter((item) => {
    const last = catalog.lastSaleSeconds[item] ?? 0;
    return last > 0 && catalog.endSeconds - last <= soldWithinSeconds;
  });
  // A data set without purchases in the last four weeks has no such list.
  if (sold.length >= shown.length * popularSoldShare) return [];
  return [`vocabulary_shifted: of the ${shown.length} most popular items only ${sold.length} were sold in 60 days`];
}

/** SASRec's scores of the whole catalogue for each golden request. */
async function sequenceProblems({ sequence, catalog, manifest }: LoadedRelease, models: Pick<FleetModels, "sequence">): Promise<string[]> {
  if (sequence === null) return [];
  const all = Int32Array.from({ length: catalog.itemCount }, (_, item) => item);
  const histories = manifest.golden.map(({ events }) => models.sequence.goldenHistory(events, catalog));
  const states = await sequence.states(histories);
  const { d } = sequence.tables;
  return manifest.golden.flatMap(({ name }, at) => {
    const scores = sequence.scores(states.subarray(at * d, (at + 1) * d), all);
    const broken = scores.findIndex((score) => !Number.isFinite(score));
    if (broken >= 0) return [`non_finite: SASRec scores item ${broken} of golden request "${name}" ${scores[broken]}`];
    return spread(scores) ? [] : [`constant_scores: SASRec gives all items of golden request "${name}" one score`];
  });
}

/** Empty when the release may serve. */
export async function sanityProblems(release: LoadedRelease, models: Pick<FleetModels, "sequence">): Promise<string[]> {
  const problems = [...(await scoreProblems(release)), ...(await goldenProblems(release)), ...vocabularyProblems(release)];
  return [...problems, ...(await sequenceProblems(release, models))];
}

/** Reads the release from its store and checks it. Throws `failed_precondition` listing what is wrong, or what reading a part throws. */
export async function verifyRelease(store: ReleaseStore, id: string, models: FleetModels): Promise<LoadedRelease> {
  const release = await loadRelease(store, await store.manifest(id), models);
  const problems = await sanityProblems(release, models);
  if (problems.length > 0) throw new ModisteError("failed_precondition", "release_unsound", `release ${id}: ${problems.join("; ")}`);
  return release;
}
