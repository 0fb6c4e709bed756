/** Training behind the gate: a candidate is held against what serves on a week that neither has seen, before it is trained to the end. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { secondsPerWeek } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { eventCode } from "#libs/events/event.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import type { Promotion, ReleaseManifest, TrainingRecipe } from "#libs/release/manifest.ts";
import { noCheckpoints } from "../training/checkpoints.ts";
import { dataSecondsMin } from "../training/label-weeks.ts";
import { readsSequence, sequenceModel } from "../training/sequence.ts";
import { type TrainOptions, trainRelease } from "../training/train-release.ts";
import { compareOnHoldout, type HeldOutWeek, type HoldoutComparison, holdOutLastWeek, listsOf } from "./holdout.ts";
import { type LoadedRelease, loadRelease } from "./load-release.ts";
import { sanityProblems } from "./sanity.ts";

export interface GuardedOptions extends Omit<TrainOptions, "promotion" | "metrics"> {
  /** Folder for what the comparison trains; removed at the end. */
  readonly scratch: string;
  /** False: only the checks of the release itself, no held-out week. */
  readonly compare?: boolean;
}

/** Where the ranker does not read SASRec, to train it for a comparison would cost its whole time and tell nothing. */
function asCompared(settings: TrainOptions["settings"]): TrainOptions["settings"] {
  if (readsSequence(settings.ranking ?? {})) return settings;
  const { [sequenceModel]: _, ...others } = settings;
  return others;
}

/** Trains with the recipe on what was before the held-out week. */
async function trainBefore(
  options: GuardedOptions,
  week: HeldOutWeek,
  recipe: TrainingRecipe | null,
  name: string,
): Promise<LoadedRelease> {
  const store = openFolderStore(join(options.scratch, name));
  const own = recipe === null ? {} : { seed: recipe.seed, rankerUsersMax: recipe.ranker_users };
  const settings = asCompared(recipe?.settings ?? options.settings);
  const onStep = (step: string, seconds: number): void => options.onStep(`${step} (${name})`, seconds);
  // Checkpoints are those of the release that is to serve: here other events, and perhaps another recipe, are trained on.
  const checkpoints = noCheckpoints;
  const { manifest } = await trainRelease({ ...options, ...own, settings, checkpoints, data: week.past, store, onStep });
  return loadRelease(store, manifest, options.models);
}

/** A source that was added to the table since has no part in the release: it served without it. */
function modelsOf({ models }: GuardedOptions, { parts }: ReleaseManifest): GuardedOptions["models"] {
  return { ...models, sources: models.sources.filter(({ name }) => parts[name] !== undefined) };
}

/** What served is scored as it is when it has not seen the week; else its recipe is trained again without it. */
async function serving(options: GuardedOptions, week: HeldOutWeek, current: ReleaseManifest): Promise<LoadedRelease | null> {
  if (current.data.end_seconds <= week.cases.endSeconds) return loadRelease(options.store, current, modelsOf(options, current));
  return current.recipe === undefined ? null : trainBefore(options, week, current.recipe, "serving recipe");
}

interface Judgement {
  readonly promotion: Promotion;
  readonly metrics: HoldoutComparison["metrics"];
}

const unchecked = (reason: string): Judgement => ({ promotion: { decision: "unchecked", reasons: [reason], watched: {} }, metrics: {} });

/** The same recipe on the same data by the same code gives the same release: nothing is to be learned from fitting it twice. */
function isSameRecipe(options: GuardedOptions, { recipe, code_version: code }: ReleaseManifest): boolean {
  const own = { seed: options.seed, ranker_users: options.rankerUsersMax, settings: options.settings };
  return recipe !== undefined && code === options.codeVersion && isDeepStrictEqual(recipe, JSON.parse(JSON.stringify(own)));
}

async function judge(options: GuardedOptions): Promise<Judgement> {
  const { data, store, seed } = options;
  const currentId = await store.current();
  if (currentId === null) return { promotion: { decision: "first", reasons: [], watched: {} }, metrics: {} };
  if (options.compare === false) return unchecked("training was told not to compare");
  const manifest = await store.manifest(currentId);
  if (data.name === manifest.data.name && data.endSeconds < manifest.data.end_seconds)
    return unchecked(`the data end before those of the serving release ${currentId}`);
  const first = data.interactions.times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  if (data.endSeconds - first < dataSecondsMin(options.labels) + secondsPerWeek)
    return unchecked("the data are too short to hold a week out");
  const week = holdOutLastWeek(data, seed);
  if (week.cases.users.length === 0) return unchecked("nobody took anything in the last week");
  const seenWeek = manifest.data.end_seconds > week.cases.endSeconds;
  const same = seenWeek && isSameRecipe(options, manifest);
  const current = same ? null : await serving(options, week, manifest);
  if (!same && current === null) return unchecked(`release ${currentId} has seen the held-out week and does not say how it was trained`);
  const candidate = await listsOf(await trainBefore(options, week, null, "candidate"), week, data);
  const lists = { candidate, current: current === null ? candidate : await listsOf(current, week, data) };
  const { losses, watched, metrics } = compareOnHoldout(lists, week, data, seed);
  return { promotion: { decision: losses.length === 0 ? "passed" : "refused", reasons: [...losses], watched: { ...watched } }, metrics };
}

/** A vocabulary that does not fit the data gives lists of items that the data's users did not take lately. */
const popularOverlapLeast = 0.5;
const popularCompared = 50;

/** The release's popular list against the data it was trained on, by external id. */
function vocabularyProblems({ popular, catalog }: LoadedRelease, { data }: GuardedOptions): string[] {
  const counts = new Float64Array(data.catalog.itemCount);
  const since = data.endSeconds - secondsPerWeek;
  data.interactions.items.forEach((item, i) => {
    if (data.interactions.times[i]! >= since && data.interactions.types[i] === eventCode.purchase) counts[item]!++;
  });
  const best = [...counts.keys()].filter((item) => counts[item]! > 0).sort((a, b) => counts[b]! - counts[a]!);
  const expected = new Set(best.slice(0, 2 * popularCompared).map((item) => data.catalog.ids[item]!));
  const shown = popular.subarray(0, Math.min(popularCompared, best.length));
  const met = shown.filter((item) => expected.has(catalog.ids[item]!)).length;
  if (best.length === 0 || (shown.length > 0 && met >= shown.length * popularOverlapLeast)) return [];
  return [`vocabulary_shifted: only ${met} of the ${shown.length} most popular items of the release are among the most taken of the data`];
}

const pending: Promotion = { decision: "unchecked", reasons: ["the checks of the release are under way"], watched: {} };

/** What is wrong with the release as it lies in the store; a part that cannot be read is one of it. */
async function problemsOf(options: GuardedOptions, manifest: ReleaseManifest): Promise<string[]> {
  try {
    const release = await loadRelease(options.store, manifest, options.models);
    return [...(await sanityProblems(release, options.models)), ...vocabularyProblems(release, options)];
  } catch (error) {
    if (error instanceof ModisteError && error.code !== "internal") return [`unreadable: ${error.detail}`];
    throw error;
  }
}

/**
 * Writes a release whose manifest holds the gate's decision and figures; it is not promoted. `passed` and `first` may serve; `refused`
 * must not; `unchecked` says why nothing was compared. Until the checks have ended the manifest says `unchecked`, so that a release
 * whose training was killed is never taken for one that passed.
 */
export async function trainGuarded(options: GuardedOptions): Promise<ReleaseManifest> {
  try {
    const { promotion, metrics } = await judge(options);
    const { manifest } = await trainRelease({ ...options, promotion: pending, metrics });
    const problems = await problemsOf(options, manifest);
    const decided: Promotion =
      problems.length === 0 ? promotion : { ...promotion, decision: "refused", reasons: [...promotion.reasons, ...problems] };
    return await options.store.amend(manifest.id, decided);
  } finally {
    await rm(options.scratch, { recursive: true, force: true });
  }
}
