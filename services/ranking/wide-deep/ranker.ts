/** Wide & Deep over the shared features, SASRec's state and the sources' scores. */

import { invalid, ModisteError } from "#libs/core/errors.ts";
import { openExecutor, type Session } from "#libs/graph/executors/executor.ts";
import { readSettingsAt } from "#libs/models/settings.ts";
import { fitWideDeep } from "#libs/models/wide-deep/fit.ts";
import { type DeepSizes, deepWidth, fillDeep, type SequenceRows, sumCrosses } from "#libs/models/wide-deep/inputs.ts";
import { type WideDeepSettings, wideDeepSpec } from "#libs/models/wide-deep/settings.ts";
import type { Ranker, RankerFitContext, RankerLoadContext, RankQuery, SequenceStates } from "#libs/serve/ranker.ts";
import {
  checkFeatures,
  createFeatureMaker,
  extendMaker,
  type FeatureMaker,
  featuresOf,
  followLive,
  queryOf,
  readStatistics,
  writeStatistics,
} from "../feature-maker.ts";
import { leaveOut } from "./contributions.ts";
import { collect } from "./examples.ts";
import {
  buckets,
  crossCount,
  type EmbeddedColumn,
  embeddedColumns,
  embeddingRows,
  type InputMaker,
  positionsTo,
  requestInputs,
  startsOf,
} from "./inputs.ts";
import { checkColumns, openScoring, readMeta, sequenceOf, towersOf, writeNetwork } from "./part.ts";
import { createScratch, type Scratch } from "./scratch.ts";

export interface WideDeepRanker extends InputMaker {
  readonly settings: WideDeepSettings;
  readonly sizes: DeepSizes;
  readonly embeddings: Float32Array;
  readonly wide: Float32Array;
  /** Of the network's input over the training: columns of `deep`, then `wide`. */
  readonly average: Float32Array;
  readonly session: Session;
  /** Of inputs of requests that are over. */
  readonly scratch: Scratch;
  /** Null where the network does not read it. */
  readonly sequence: SequenceStates | null;
}

/** Throws `invalid_argument` naming the place and the setting. */
function readWideDeep(settings: Readonly<Record<string, unknown>>, place: string): WideDeepSettings {
  const read = readSettingsAt(place, wideDeepSpec, settings);
  if (read.embedding % 4 !== 0) throw invalid(place, "settings.embedding must be a multiple of 4");
  // Crosses hold what the user bought: no tower may see them.
  return read.network === "two-tower" ? { ...read, wide: "none" } : read;
}

async function fit(context: RankerFitContext): Promise<void> {
  const { serving, sources, part, seed, threads, progress, signal } = context;
  const settings = readWideDeep(context.settings, "ranking");
  const sequence = settings.state === "use" ? context.sequence : null;
  const examples = await collect(context, settings, sequence);
  const { lists } = examples;
  if (lists.labels.length === 0)
    throw new ModisteError("failed_precondition", "no_label_lists", "no candidate list of the label weeks holds an item that was taken");
  const maker = createFeatureMaker(serving.catalog, serving.statistics, sources);
  const embedded = embeddedColumns(maker);
  const sizes = sizesOf(maker, embedded, settings, sequence?.tables.d ?? 0, buckets);
  const executor = await openExecutor("onnx");
  const model = await fitWideDeep({
    lists,
    sizes,
    settings,
    towers: towersOf({ settings, features: maker.table.names, embedded, sizes }),
    executor,
    seed,
    threads,
    progress,
    signal,
  });
  writeStatistics(part, serving.statistics);
  const { nowSeconds } = serving.statistics;
  await writeNetwork(part, { settings, sizes, embedded, maker, model, examples, sources, nowSeconds });
}

function sizesOf(
  { table }: FeatureMaker,
  embedded: readonly EmbeddedColumn[],
  { embedding }: WideDeepSettings,
  d: number,
  crossBuckets: number,
): DeepSizes {
  const rows = embeddingRows(embedded);
  return { numeric: table.names.length, columns: embedded.length, embedding, embeddingRows: rows, d, buckets: crossBuckets };
}

async function load({ part, catalog, sequence, place }: RankerLoadContext): Promise<WideDeepRanker> {
  const meta = readMeta(part);
  checkFeatures(part, catalog, meta);
  const maker = createFeatureMaker(catalog, readStatistics(part, meta.now_seconds, catalog.itemCount), meta.sources);
  const embedded = embeddedColumns(maker);
  checkColumns(part, meta, embedded);
  const settings = readWideDeep(meta.settings, `release ${part.release}, part ${part.part}`);
  const sizes = sizesOf(maker, embedded, settings, meta.sequence_dimensions, meta.buckets);
  const states = sequenceOf(part, meta, sequence);
  return {
    ...maker,
    settings,
    sizes,
    embedded,
    starts: startsOf(embedded),
    buckets: meta.buckets,
    mean: part.float32("mean", sizes.numeric),
    scale: part.float32("scale", sizes.numeric),
    embeddings: part.float32("embeddings", sizes.embeddingRows * settings.embedding),
    wide: part.float32("wide", meta.buckets),
    average: part.float32("average", deepWidth(sizes) + 1),
    session: await openScoring({ part, meta, settings, sizes, place }),
    scratch: createScratch(),
    sequence: states,
  };
}

export interface NetworkInputs {
  /** [rows, width]. */
  readonly deep: Float32Array;
  readonly wide: Float32Array;
  readonly rows: number;
}

/** Rows of SASRec's vectors: items that came after the release have that of unknown ones, the last. */
function vectorRows({ items: vectors, d }: SequenceStates["tables"], candidates: Int32Array): Pick<SequenceRows, "vectors" | "items"> {
  const unknown = vectors.length / d - 1;
  return { vectors, items: candidates.map((item) => Math.min(item, unknown)) };
}

/** The network's input for one request. */
function fillFeeds(deep: Float32Array, wide: Float32Array, artifact: WideDeepRanker, query: RankQuery, states: Float32Array | null): void {
  const { sizes, sequence, embeddings } = artifact;
  const { candidates } = query;
  const positions = positionsTo(candidates.length);
  const rows: SequenceRows | null =
    sequence && states
      ? { d: sizes.d, states, users: new Int32Array(candidates.length), ...vectorRows(sequence.tables, candidates) }
      : null;
  const inputs = { ...requestInputs(artifact, query, positions), crossCount, sequence: rows };
  fillDeep(deep, inputs, positions, sizes, embeddings);
  for (let row = 0; row < wide.length; row++) wide[row] = sumCrosses(inputs, row, artifact.wide);
}

async function score(artifact: WideDeepRanker, query: RankQuery): Promise<Float64Array> {
  const { sizes, sequence, session, scratch } = artifact;
  const rows = query.candidates.length;
  if (rows === 0) return new Float64Array(0);
  const states = sequence && (await sequence.states([query.events]));
  const deep = scratch.take(rows * deepWidth(sizes));
  const wide = new Float32Array(rows);
  fillFeeds(deep, wide, artifact, query, states);
  const { scores } = await session.run({ deep, wide }, { rows });
  const result = new Float64Array(scores!);
  scratch.give(deep);
  return result;
}

export const wideDeepRanker: Ranker<WideDeepRanker> = {
  model: ({ settings }) => settings.network,
  check: (settings, place) => void readWideDeep(settings, `${place}: ranking`),
  fit,
  load,
  follow: followLive,
  extend: extendMaker,
  score,
  features: featuresOf,
  contributions: async (artifact, query, positions) => {
    const rows = positions.length;
    if (rows === 0) return { groups: [], values: new Float64Array(0) };
    const some = queryOf(query, positions);
    const states = artifact.sequence && (await artifact.sequence.states([query.events]));
    const [deep, wide] = [new Float32Array(rows * deepWidth(artifact.sizes)), new Float32Array(rows)];
    fillFeeds(deep, wide, artifact, some, states);
    return leaveOut(artifact, { deep, wide, rows });
  },
  close: ({ session }) => session.close(),
  featureHash: ({ table }) => table.hash,
};
