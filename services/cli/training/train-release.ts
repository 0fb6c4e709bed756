/** From a data set to a release that services can load. */

import { randomBytes } from "node:crypto";
import type { Catalog, UserTable } from "#libs/catalog/catalog.ts";
import type { Clock } from "#libs/core/clock.ts";
import type { Progress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { countDays } from "#libs/features/day-counts.ts";
import { catalogAsOf, countItems, type ItemStatistics } from "#libs/features/item-statistics.ts";
import { userSegments } from "#libs/features/segment.ts";
import { traitsOf } from "#libs/pipeline/arrange.ts";
import { surfaces } from "#libs/pipeline/surfaces.ts";
import { vocabularyPart, writeCatalog } from "#libs/release/catalog-part.ts";
import { type Figure, type Promotion, type ReleaseManifest, releaseFormat, type TrainingRecipe } from "#libs/release/manifest.ts";
import { clockBehind } from "#libs/release/serving-clock.ts";
import type { ReleaseDraft, ReleaseStore } from "#libs/release/store.ts";
import type { LabelledQuery, SequenceStates } from "#libs/serve/ranker.ts";
import { candidatesMax, type FleetModels } from "../../fleet.ts";
import type { CheckpointOptions } from "./checkpoints.ts";
import { fitSources } from "./fit-sources.ts";
import { goldenRequests } from "./golden.ts";
import { defaultLabels, type LabelRecipe, type LabelSets, type LabelWeekOptions, labelSets, labelWeek } from "./label-weeks.ts";
import type { OfflineModel } from "./recommend.ts";
import { sequenceModel, trainSequencePart } from "./sequence.ts";

export interface TrainingData {
  readonly name: string;
  readonly fingerprint: string;
  readonly interactions: Interactions;
  readonly catalog: Catalog;
  readonly users: UserTable;
  /** Nothing at or after this instant is read. */
  readonly endSeconds: number;
}

export interface TrainOptions {
  readonly data: TrainingData;
  readonly models: FleetModels;
  readonly store: ReleaseStore;
  readonly seed: number;
  readonly threads: number;
  /** Windows that the ranker learns from; the sources behind its features are fitted once, before the earliest. */
  readonly labels?: LabelRecipe;
  /** Most users of a label week that teach the ranker. */
  readonly rankerUsersMax: number;
  readonly codeVersion: string;
  /** By source; SASRec is trained where they name it. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Of SASRec, whose training is the longest. */
  readonly checkpoints?: CheckpointOptions;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** What the gate decided and measured, to be kept in the manifest. */
  readonly promotion?: Promotion;
  readonly metrics?: Readonly<Record<string, Figure>>;
  /** Told the seconds of each step, such as "itemcf (label weeks)". */
  readonly onStep: (step: string, seconds: number) => void;
}

/** Name of the ranker's part, and of its settings in a recipe. */
export const rankingPart = "ranking";
/** Label-week users from whose finds the quotas are learned. */
const quotaUsers = 3000;

/** Sortable by time, without a clash between two trainers. */
export function createReleaseId(clock: Clock): string {
  const stamp = new Date(clock.nowSeconds() * 1000).toISOString().replace(/[-:]/g, "").slice(0, 15);
  return `${stamp}-${randomBytes(3).toString("hex")}`;
}

function take<T>(items: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    taken.push(item);
    if (taken.length === most) break;
  }
  return taken;
}

/** Share of what label-week users took that was among their candidates. */
function candidateRecall(queries: readonly LabelledQuery[], truthSizes: number): Figure {
  const found = queries.reduce((sum, { labels }) => sum + labels.reduce((hits, label) => hits + label, 0), 0);
  return { value: truthSizes === 0 ? 0 : found / truthSizes, users: queries.length };
}

interface Learned {
  readonly quotas: Record<string, number>;
  readonly recall: Figure;
}

/** Sources before the label weeks, then quotas, fusion and ranker from these weeks. */
async function learnFromLabelWeeks(
  options: TrainOptions,
  draft: ReleaseDraft,
  serving: { catalog: Catalog; statistics: ItemStatistics },
  { past, pastEndSeconds: before, sets }: LabelSets,
  sequence: SequenceStates | null,
): Promise<Learned> {
  const { data, models, seed, threads, signal, progress, clock, labels = defaultLabels } = options;
  const statistics = countItems(past, data.users, before, labels.targets);
  const scratch = await options.store.create(`labels-${seed}-${randomBytes(4).toString("hex")}`);
  try {
    const catalog = catalogAsOf(data.catalog, statistics);
    const sources = await fitSources(models.sources, scratch, {
      ...options,
      interactions: past,
      catalog,
      users: data.users,
      nowSeconds: before,
      onFitted: (source, seconds) => options.onStep(`${source} (before the label weeks)`, seconds),
    });
    const names = sources.map(({ name }) => name);
    const explore = Object.fromEntries(names.map((name) => [name, models.gatewayPart.exploreQuota]));
    const weekOptions: LabelWeekOptions = {
      catalog: data.catalog,
      users: data.users,
      sources,
      quotas: explore,
      candidatesMax: names.length * models.gatewayPart.exploreQuota,
      labels,
      usersMax: quotaUsers,
      seed,
    };
    const started = clock.monotonicMs();
    const queries = take(labelWeek(weekOptions, sets[0]!).queries, quotaUsers);
    let quotas: Record<string, number> = {};
    await draft.writePart("gateway", async (part) => {
      quotas = await models.gatewayPart.fitGateway({
        queries,
        sources: names,
        statistics: serving.statistics,
        seed,
        part,
        progress,
        signal,
      });
    });
    options.onStep("gateway: quotas and fusion", (clock.monotonicMs() - started) / 1000);
    const rankingStarted = clock.monotonicMs();
    const rankerWeeks = sets.map((set) => labelWeek({ ...weekOptions, quotas, candidatesMax, usersMax: options.rankerUsersMax }, set));
    await draft.writePart(rankingPart, (part) =>
      models.ranker.fit({
        weeks: rankerWeeks,
        sources: names,
        serving,
        sequence,
        settings: options.settings[rankingPart] ?? {},
        seed,
        threads,
        part,
        progress,
        signal,
      }),
    );
    options.onStep("ranking", (clock.monotonicMs() - rankingStarted) / 1000);
    const truth = queries.reduce((sum, { taken }) => sum + taken, 0);
    return { quotas, recall: candidateRecall(queries, truth) };
  } finally {
    await scratch.discard();
  }
}

const mutableSettings = (settings: TrainOptions["settings"]): TrainingRecipe["settings"] =>
  Object.fromEntries(Object.entries(settings).map(([source, own]) => [source, { ...own }]));

/** Nothing where the recipe does not name SASRec. First of all parts: it is what a killed training comes back to. */
async function trainSequence(
  options: TrainOptions,
  past: Interactions,
  draft: ReleaseDraft,
  catalog: Catalog,
): Promise<() => Promise<void>> {
  const { settings, labels = defaultLabels, clock } = options;
  const sasrec = settings[sequenceModel];
  if (sasrec === undefined) return async () => undefined;
  const started = clock.monotonicMs();
  const release = await trainSequencePart({ ...options, recipe: { sasrec }, labels }, past, draft, catalog);
  options.onStep(sequenceModel, (clock.monotonicMs() - started) / 1000);
  return release;
}

/** A release with what it was made of still in memory, for an evaluation. */
export interface TrainedRelease {
  readonly manifest: ReleaseManifest;
  readonly model: OfflineModel;
  readonly catalog: Catalog;
  readonly statistics: ItemStatistics;
}

/** Trains every part and writes the release; it is not promoted yet. Throws `failed_precondition` when the data are too short. */
export async function trainRelease(options: TrainOptions): Promise<TrainedRelease> {
  const { data, models, store, clock } = options;
  const id = createReleaseId(clock);
  const draft = await store.create(id);
  try {
    const statistics = countItems(data.interactions, data.users, data.endSeconds, (options.labels ?? defaultLabels).targets);
    const catalog = catalogAsOf(data.catalog, statistics);
    const recent = countDays(data.interactions, userSegments(data.users), data.endSeconds);
    await draft.writePart(vocabularyPart, async (part) => writeCatalog(part, catalog, data.endSeconds, recent));
    const sets = labelSets(data.interactions, data.endSeconds, options.labels ?? defaultLabels);
    const releaseCheckpoints = await trainSequence(options, sets.past, draft, catalog);
    const { sequencePart, loadSequencePart } = models.sequence;
    const sequence = options.settings[sequenceModel] ? await loadSequencePart({ part: await draft.readPart(sequencePart), catalog }) : null;
    const { quotas, recall } = await learnFromLabelWeeks(options, draft, { catalog, statistics }, sets, sequence);
    const sources = await fitSources(models.sources, draft, {
      ...options,
      interactions: data.interactions,
      catalog,
      users: data.users,
      nowSeconds: data.endSeconds,
      onFitted: (source, seconds) => options.onStep(source, seconds),
    });
    const ranker = await models.ranker.load({ part: await draft.readPart(rankingPart), catalog, sequence });
    const model: OfflineModel = {
      sources,
      quotas,
      fusion: (await models.gatewayPart.loadGateway(await draft.readPart("gateway"))).fusion,
      candidatesMax,
      ranker: models.ranker,
      artifact: ranker,
      arrange: surfaces.home.arrange,
      traits: traitsOf(catalog),
    };
    const golden = await goldenRequests(data, catalog, model);
    const parent = await store.current();
    const parentManifest = parent === null ? null : await store.manifest(parent);
    const createdSeconds = Math.floor(clock.nowSeconds());
    const manifest = await draft.finish((parts) => ({
      format: releaseFormat,
      id,
      parent,
      created_seconds: createdSeconds,
      clock_behind_seconds: clockBehind(data.endSeconds, createdSeconds, parentManifest),
      code_version: options.codeVersion,
      data: { name: data.name, fingerprint: data.fingerprint, end_seconds: data.endSeconds },
      feature_hash: models.ranker.featureHash(ranker),
      parts,
      metrics: { "candidates.recall": recall, ...options.metrics },
      recipe: { seed: options.seed, ranker_users: options.rankerUsersMax, settings: mutableSettings(options.settings) },
      promotion: options.promotion ?? { decision: parent === null ? "first" : "unchecked", reasons: [], watched: {} },
      golden,
    }));
    await releaseCheckpoints();
    return { manifest, model, catalog, statistics };
  } catch (cause) {
    await draft.discard();
    throw cause;
  }
}
