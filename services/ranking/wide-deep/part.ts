/** The ranking part of a release that Wide & Deep writes: the network as an ONNX file, arrays, the specification of its inputs, golden rows. */

import { writeFile } from "node:fs/promises";
import { z } from "zod";
import { featureVersion } from "#libs/features/features.ts";
import { countOf } from "#libs/graph/dims.ts";
import { openOnnxModel, type Session } from "#libs/graph/executors/executor.ts";
import type { Graph } from "#libs/graph/graph.ts";
import { exportOnnx } from "#libs/graph/onnx.ts";
import { nameOf } from "#libs/graph/tensor.ts";
import type { WideDeepModel } from "#libs/models/wide-deep/fit.ts";
import { type DeepSizes, deepWidth, fillDeep, sumCrosses } from "#libs/models/wide-deep/inputs.ts";
import { scoringGraph, type TowerColumns } from "#libs/models/wide-deep/network.ts";
import type { WideDeepSettings } from "#libs/models/wide-deep/settings.ts";
import type { PartReader, PartWriter } from "#libs/release/part.ts";
import type { PlaceNetwork, SequenceStates } from "#libs/serve/ranker.ts";
import type { FeatureMaker } from "../feature-maker.ts";
import { count, graphMeta, graphShapes, isGolden, openGraphFile, readGraphMeta, refusalOf, trainingMeta } from "../graph-part.ts";
import type { TrainingLists } from "./examples.ts";
import { crossCount, type EmbeddedColumn } from "./inputs.ts";
import { towerColumns } from "./towers.ts";

const modelName = "wide-deep";
/** Raised when the columns of the input are made of other things. */
const graphVersion = 3;
const graphFile = "ranker.onnx";
/** The file holds the weights too; as arrays they are for executors that read no ONNX. */
const weightName = (parameter: string): string => `network.${parameter}`;

const metaSchema = z.object({
  model: z.literal(modelName),
  ...graphMeta,
  rows: count,
  lists: count,
  sources: z.array(z.string()),
  now_seconds: z.number(),
  feature_version: count.optional(),
  feature_hash: z.string(),
  /** Columns of `deep`, in their order: features, then embedded columns, then SASRec's. */
  features: z.array(z.string()),
  embedded: z.array(z.object({ name: z.string(), size: count })),
  sequence_dimensions: count,
  buckets: count,
  cross_count: count,
  /** Rows of the network's input with the score that the file gives. */
  golden: z.array(z.object({ deep: z.array(z.number()), wide: z.number(), score: z.number() })),
});

export type Meta = z.infer<typeof metaSchema>;

const goldenRows = 8;
/** Training rows that the average input is taken over. */
const averageRows = 4096;

/** As many rows as that, spread over the training. */
const spreadRows = (all: number, most: number): Int32Array =>
  Int32Array.from({ length: Math.min(most, all) }, (_, i) => Math.floor((i * all) / Math.min(most, all)));

/** What an explanation puts in the place of what it leaves out: columns of `deep`, then `wide`. */
function averageInput({ lists }: TrainingLists, sizes: DeepSizes, { embeddings, wide }: WideDeepModel): Float32Array {
  const width = deepWidth(sizes);
  const rows = spreadRows(lists.labels.length, averageRows);
  const sums = new Float64Array(width + 1);
  const deep = new Float32Array(width);
  for (const row of rows) {
    fillDeep(deep, lists, Int32Array.of(row), sizes, embeddings);
    for (let c = 0; c < width; c++) sums[c]! += deep[c]!;
    sums[width]! += sumCrosses(lists, row, wide);
  }
  return Float32Array.from(sums, (sum) => sum / Math.max(1, rows.length));
}

/** Scores of rows spread over the training, as the written file gives them. */
async function goldenOf(session: Session, { lists }: TrainingLists, sizes: DeepSizes, model: WideDeepModel): Promise<Meta["golden"]> {
  const rows = spreadRows(lists.labels.length, goldenRows);
  const width = deepWidth(sizes);
  const deep = new Float32Array(rows.length * width);
  fillDeep(deep, lists, rows, sizes, model.embeddings);
  const wide = Float32Array.from(rows, (row) => sumCrosses(lists, row, model.wide));
  const { scores } = await session.run({ deep, wide }, { rows: rows.length });
  return Array.from(rows, (_, i) => ({ deep: Array.from(deep.subarray(i * width, (i + 1) * width)), wide: wide[i]!, score: scores![i]! }));
}

export interface WrittenNetwork {
  readonly settings: WideDeepSettings;
  readonly sizes: DeepSizes;
  readonly embedded: readonly EmbeddedColumn[];
  readonly maker: FeatureMaker;
  readonly model: WideDeepModel;
  readonly examples: TrainingLists;
  readonly sources: readonly string[];
  readonly nowSeconds: number;
}

interface NetworkColumns {
  readonly settings: WideDeepSettings;
  /** Names of the features. */
  readonly features: readonly string[];
  readonly embedded: readonly EmbeddedColumn[];
  readonly sizes: DeepSizes;
}

/** Columns of the towers; null where the network has none. */
export const towersOf = ({ settings, features, embedded, sizes }: NetworkColumns): TowerColumns | null =>
  settings.network === "two-tower" ? towerColumns(features, embedded, sizes) : null;

function graphOf(columns: NetworkColumns): Graph {
  const { hidden1, hidden2, members } = columns.settings;
  return scoringGraph({ inputs: deepWidth(columns.sizes), hidden1, hidden2, members, towers: towersOf(columns) });
}

/** Writes everything but the statistics of items; golden scores are those of the written file. */
export async function writeNetwork(part: PartWriter, network: WrittenNetwork): Promise<void> {
  const { settings, sizes, embedded, maker, model, examples, sources, nowSeconds } = network;
  const graph = graphOf({ settings, features: maker.table.names, embedded, sizes });
  const bytes = exportOnnx(graph, {
    weights: model.weights,
    metadata: { "modiste.part": "ranking", "modiste.graph_version": String(graphVersion), "modiste.feature_hash": maker.table.hash },
  });
  await writeFile(part.path(graphFile), bytes);
  part.tensors({ ...examples.scaling, embeddings: model.embeddings, wide: model.wide, average: averageInput(examples, sizes, model) });
  part.tensors(Object.fromEntries(Object.entries(model.weights).map(([name, values]) => [weightName(name), values])));
  const ownShapes = graphShapes(graph);
  const session = await openOnnxModel(bytes, { threads: 1, ...ownShapes });
  try {
    const meta: Meta = {
      model: modelName,
      graph_version: graphVersion,
      settings: { ...settings },
      rows: examples.lists.labels.length,
      lists: examples.lists.offsets.length - 1,
      sources: [...sources],
      now_seconds: nowSeconds,
      feature_version: featureVersion,
      feature_hash: maker.table.hash,
      features: [...maker.table.names],
      embedded: [...embedded],
      sequence_dimensions: sizes.d,
      buckets: sizes.buckets,
      cross_count: crossCount,
      ...ownShapes,
      training: trainingMeta(model.record),
      golden: await goldenOf(session, examples, sizes, model),
    };
    part.meta(meta);
  } finally {
    await session.close();
  }
}

/** Throws `data_loss` or `failed_precondition` naming release, part and what is wrong, as all here do. */
export const readMeta = (part: PartReader): Meta => readGraphMeta(part, metaSchema, graphVersion);

/** The embedding table belongs to one catalogue. */
export function checkColumns(part: PartReader, meta: Meta, own: readonly EmbeddedColumn[]): void {
  const words = (columns: readonly EmbeddedColumn[]): string => columns.map(({ name, size }) => `${name} (${size})`).join(", ");
  if (words(meta.embedded) !== words(own))
    throw refusalOf(part)(
      "failed_precondition",
      "vocabulary_differs",
      `its columns are ${words(meta.embedded)}, the catalogue's ${words(own)}`,
    );
  if (meta.cross_count !== crossCount)
    throw refusalOf(part)("failed_precondition", "crosses_differ", `it has ${meta.cross_count} crosses, this code makes ${crossCount}`);
}

/** What the network reads of SASRec; refused where the release's is another. */
export function sequenceOf(part: PartReader, meta: Meta, sequence: SequenceStates | null): SequenceStates | null {
  const wanted = meta.sequence_dimensions;
  if (wanted === 0) return null;
  if (sequence?.tables.d === wanted) return sequence;
  const found = sequence ? `the release's has ${sequence.tables.d}` : "the release has none";
  throw refusalOf(part)("failed_precondition", "sequence_differs", `it reads states of SASRec of ${wanted} dimensions, ${found}`);
}

async function checkGolden(part: PartReader, session: Session, golden: Meta["golden"]): Promise<void> {
  for (const [row, { deep, wide, score }] of golden.entries()) {
    const { scores } = await session.run({ deep: Float32Array.from(deep), wide: Float32Array.of(wide) }, { rows: 1 });
    if (isGolden(scores![0]!, score)) continue;
    throw refusalOf(part)("data_loss", "golden_differs", `golden row ${row} scores ${scores![0]}, it was ${score} when the part was made`);
  }
}

function readWeights(part: PartReader, graph: Graph): Record<string, Float32Array> {
  return Object.fromEntries(
    graph.parameters.map((tensor) => [nameOf(tensor), part.float32(weightName(nameOf(tensor)), countOf(tensor.shape) as number)]),
  );
}

const onCpu: PlaceNetwork = async ({ cpu }) => cpu;

export interface OpenScoring {
  readonly part: PartReader;
  readonly meta: Meta;
  readonly settings: WideDeepSettings;
  readonly sizes: DeepSizes;
  readonly place: PlaceNetwork | undefined;
}

/** The network, ready to run: its golden rows score as when it was made. */
export async function openScoring({ part, meta, settings, sizes, place = onCpu }: OpenScoring): Promise<Session> {
  const graph = graphOf({ settings, features: meta.features, embedded: meta.embedded, sizes });
  const session = await openGraphFile(part, graphFile, graph);
  const { golden } = meta;
  try {
    await checkGolden(part, session, golden);
    return await place({
      name: `release ${part.release}, part ${part.part}`,
      cpu: session,
      graph,
      file: part.path(graphFile),
      weights: () => readWeights(part, graph),
      golden: {
        feeds: { deep: Float32Array.from(golden.flatMap(({ deep }) => deep)), wide: Float32Array.from(golden, ({ wide }) => wide) },
        rows: golden.length,
      },
    });
  } catch (cause) {
    await session.close();
    throw cause;
  }
}
