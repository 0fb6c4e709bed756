/** The part `sasrec` of a release: the encoder as an ONNX file with its weights, the vectors of rows and items, golden histories with their scores. */

import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import type { Catalog } from "#libs/catalog/catalog.ts";
import type { ModisteError } from "#libs/core/errors.ts";
import type { History } from "#libs/events/event.ts";
import { openOnnxModel, type Session } from "#libs/graph/executors/executor.ts";
import { exportOnnx } from "#libs/graph/onnx.ts";
import { type EventHistory, encodeUsers, type RowTables } from "#libs/models/sasrec/encoder.ts";
import type { SasrecModel } from "#libs/models/sasrec/fit.ts";
import { gapBuckets, typeCodes } from "#libs/models/sasrec/inputs.ts";
import { encoderGraph } from "#libs/models/sasrec/network.ts";
import { type SasrecSettings, sasrecSpec } from "#libs/models/sasrec/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { GoldenRequest, ReleaseManifest } from "#libs/release/manifest.ts";
import type { PartReader, PartWriter } from "#libs/release/part.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import {
  count,
  graphMeta,
  graphShapes,
  isGolden,
  openGraphFile,
  type Refuse,
  readGraphMeta,
  refusalOf,
  trainingMeta,
} from "./graph-part.ts";

export const sequencePart = "sasrec";
/** Raised when rows are made of other things, or the graph's inputs and outputs change. */
const graphVersion = 1;
const graphFile = "encoder.onnx";

/** SASRec, ready for requests. */
export interface SequenceModel {
  readonly settings: SasrecSettings;
  readonly tables: RowTables;
  /** [histories, dimensions]; an empty history has the state of whom nothing is known. */
  states(histories: readonly EventHistory[], signal?: AbortSignal): Promise<Float32Array>;
  /** Score of each item for one state; -1: the unknown item. */
  scores(state: Float32Array, items: ArrayLike<number>): Float64Array;
  close(): Promise<void>;
}

const metaSchema = z.object({
  model: z.literal("sasrec"),
  ...graphMeta,
  vocabulary: z.object({ items: count, sha256: z.string() }),
  /** Of arrays.safetensors, whose arrays are flat. */
  arrays: z.record(z.string(), z.array(count)),
  /** Items are indexes into the vocabulary, -1: unknown; scores are those of the best items when the part was made. */
  golden: z.array(
    z.object({
      name: z.string(),
      items: z.array(z.number().int()),
      times: z.array(z.number()),
      types: z.array(count),
      scores: z.array(z.object({ item: count, score: z.number() })).min(1),
    }),
  ),
});

type SequenceMeta = z.infer<typeof metaSchema>;
type Golden = SequenceMeta["golden"][number];

/** Items of a golden history whose scores are kept. */
const goldenItems = 12;
/** Of the ids in their order: item vectors belong to one vocabulary. */
function vocabularyOf({ itemCount, ids }: Catalog): SequenceMeta["vocabulary"] {
  return { items: itemCount, sha256: createHash("sha256").update(ids.join("\n")).digest("hex") };
}

function arrayShapes({ dimensions: d, length, eventTypes, timeGaps }: SasrecSettings, itemCount: number): Record<string, [number, number]> {
  return {
    items: [itemCount + 1, d],
    positions: [length, d],
    nobody: [1, d],
    ...(eventTypes === "input" ? { types: [typeCodes, d] } : {}),
    ...(timeGaps === "input" ? { gaps: [gapBuckets, d] } : {}),
  };
}

function createSequenceModel(settings: SasrecSettings, tables: RowTables, session: Session): SequenceModel {
  const { d, items: vectors } = tables;
  const unknown = vectors.length / d - 1;
  const always = new AbortController().signal;
  return {
    settings,
    tables,
    // The graph holds its weights.
    states: (histories, signal = always) => encodeUsers(session, {}, tables, histories.length, (at) => histories[at]!, signal),
    scores: (state, items) =>
      Float64Array.from(items, (item) => {
        const at = (item < 0 || item > unknown ? unknown : item) * d;
        let score = 0;
        for (let c = 0; c < d; c++) score += state[c]! * vectors[at + c]!;
        return score;
      }),
    close: () => session.close(),
  };
}

/** A request's history as the network reads it: events on items that the release does not know stay, as unknown ones. */
export function sequenceHistory({ itemIds, timesSeconds, types }: Omit<History, "values">, catalog: IndexedCatalog): EventHistory {
  return { items: itemIds.map((id) => catalog.indexOf.get(id) ?? -1), times: timesSeconds, types };
}

/** The same of a golden request. */
export const goldenHistory = (
  { item_ids: itemIds, times_seconds: timesSeconds, types }: GoldenRequest["events"],
  catalog: IndexedCatalog,
) => sequenceHistory({ itemIds, timesSeconds, types }, catalog);

export interface SequencePartContent {
  readonly catalog: Catalog;
  readonly settings: SasrecSettings;
  readonly model: SasrecModel;
  /** Of users of different lengths, in the indexes of the catalogue. */
  readonly histories: readonly EventHistory[];
}

/** Histories that every part must have an answer to. */
const edgeHistories: readonly (readonly [string, EventHistory])[] = [
  ["no events", { items: [], times: [], types: [] }],
  ["an unknown item", { items: [-1], times: [0], types: [3] }],
];

/** Scores of golden histories as the written file gives them. */
async function goldenOf(model: SequenceModel, itemCount: number, histories: readonly EventHistory[]): Promise<Golden[]> {
  const named = [...edgeHistories, ...histories.map((history) => [`${history.items.length} events`, history] as const)];
  const states = await model.states(named.map(([, history]) => history));
  const { d } = model.tables;
  const all = Int32Array.from({ length: itemCount }, (_, item) => item);
  return named.map(([name, { items, times, types }], at) => {
    const scores = model.scores(states.subarray(at * d, (at + 1) * d), all);
    const best = all.toSorted((a, b) => scores[b]! - scores[a]! || a - b).subarray(0, goldenItems);
    return {
      name,
      items: Array.from(items),
      times: Array.from(times),
      types: Array.from(types),
      scores: Array.from(best, (item) => ({ item, score: scores[item]! })),
    };
  });
}

/** Writes the part; the golden scores are those of the graph file, not of the training. */
export async function writeSequencePart(part: PartWriter, { catalog, settings, model, histories }: SequencePartContent): Promise<void> {
  const { items, positions, types, gaps, nobody } = model.tables;
  const vocabulary = vocabularyOf(catalog);
  const bytes = exportOnnx(encoderGraph(settings), {
    weights: model.weights,
    metadata: {
      "modiste.part": sequencePart,
      "modiste.graph_version": String(graphVersion),
      "modiste.dimensions": String(settings.dimensions),
      "modiste.vocabulary_sha256": vocabulary.sha256,
    },
  });
  await writeFile(part.path(graphFile), bytes);
  part.tensors({ items, positions, nobody, ...(types ? { types } : {}), ...(gaps ? { gaps } : {}) });
  const shapes = graphShapes(encoderGraph(settings));
  const open = createSequenceModel(settings, model.tables, await openOnnxModel(bytes, { threads: 1, ...shapes }));
  try {
    const meta: SequenceMeta = {
      model: "sasrec",
      graph_version: graphVersion,
      settings: { ...settings },
      vocabulary,
      ...shapes,
      arrays: arrayShapes(settings, catalog.itemCount),
      training: trainingMeta(model.record),
      golden: await goldenOf(open, catalog.itemCount, histories),
    };
    part.meta(meta);
  } finally {
    await open.close();
  }
}

function readMeta(part: PartReader, refuse: Refuse): { meta: SequenceMeta; settings: SasrecSettings } {
  const meta = readGraphMeta(part, metaSchema, graphVersion);
  try {
    return { meta, settings: readSettings(sasrecSpec, meta.settings) };
  } catch (cause) {
    throw refuse("failed_precondition", "settings_unknown", `meta.json: ${(cause as ModisteError).detail}`, cause);
  }
}

function checkVocabulary({ vocabulary }: SequenceMeta, catalog: Catalog, refuse: Refuse): void {
  const own = vocabularyOf(catalog);
  if (vocabulary.items === own.items && vocabulary.sha256 === own.sha256) return;
  const found =
    vocabulary.items === own.items
      ? `${own.items} items as this release's, but not the same ones`
      : `${vocabulary.items} items, this release's ${own.items}`;
  throw refuse("failed_precondition", "vocabulary_differs", `its vocabulary has ${found}`);
}

function readTables(part: PartReader, settings: SasrecSettings, itemCount: number): RowTables {
  const sizes = arrayShapes(settings, itemCount);
  const read = (name: string): Float32Array => part.float32(name, sizes[name]![0] * sizes[name]![1]);
  return {
    d: settings.dimensions,
    length: settings.length,
    items: read("items"),
    positions: read("positions"),
    types: sizes.types ? read("types") : null,
    gaps: sizes.gaps ? read("gaps") : null,
    nobody: read("nobody"),
  };
}

/** A graph, arrays and settings that fit each other by shape may still come from different trainings: the scores tell. */
async function checkGolden(model: SequenceModel, golden: readonly Golden[], refuse: Refuse): Promise<void> {
  const { d } = model.tables;
  const states = await model.states(golden);
  golden.forEach(({ name, scores }, at) => {
    const found = model.scores(
      states.subarray(at * d, (at + 1) * d),
      scores.map(({ item }) => item),
    );
    scores.forEach(({ item, score }, i) => {
      if (isGolden(found[i]!, score)) return;
      const what = `golden history "${name}" gives item ${item} the score ${found[i]}, it was ${score} when the part was made`;
      throw refuse("data_loss", "golden_differs", `${what}: its graph, arrays and settings do not belong together`);
    });
  });
}

/**
 * Opens the part for serving, on one thread. Throws `data_loss` or `failed_precondition` naming release, part and what does not match: version, settings,
 * vocabulary, an array, the graph, or a golden score.
 */
export async function loadSequencePart({
  part,
  catalog,
}: {
  readonly part: PartReader;
  readonly catalog: Catalog;
}): Promise<SequenceModel> {
  const refuse = refusalOf(part);
  const { meta, settings } = readMeta(part, refuse);
  checkVocabulary(meta, catalog, refuse);
  const tables = readTables(part, settings, catalog.itemCount);
  const model = createSequenceModel(settings, tables, await openGraphFile(part, graphFile, encoderGraph(settings)));
  try {
    await checkGolden(model, meta.golden, refuse);
    return model;
  } catch (cause) {
    await model.close();
    throw cause;
  }
}

/** SASRec of a release; null where it has none. Throws what `loadSequencePart` and the store throw. */
export async function loadReleaseSequence(
  store: Pick<ReleaseStore, "part">,
  manifest: ReleaseManifest,
  catalog: Catalog,
): Promise<SequenceModel | null> {
  if (!manifest.parts[sequencePart]) return null;
  return loadSequencePart({ part: await store.part(manifest, sequencePart), catalog });
}
