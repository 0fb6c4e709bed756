/** Candidate source "content": items whose attributes and words are like those of the user's recent items. Knows items never sold, too. */

import { Index, MetricKind, ScalarKind } from "usearch";
import type { Catalog } from "#libs/catalog/catalog.ts";
import type { NamedCatalog } from "#libs/catalog/overlay.ts";
import { ModisteError } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import { addItems } from "#libs/models/content/added.ts";
import type { AttributeVocabulary } from "#libs/models/content/features.ts";
import { type ContentArtifact, contentReasons, retrieveSimilar } from "#libs/models/content/retrieve.ts";
import { type ContentSettings, contentSpec } from "#libs/models/content/settings.ts";
import { type ContentSpace, createFolding, scaleToOne } from "#libs/models/content/space.ts";
import { activeItems, contentVectors } from "#libs/models/content/vectors.ts";
import { readSettings } from "#libs/models/settings.ts";
import type { PartReader, PartWriter } from "#libs/release/part.ts";
import type { CandidateSource, FitContext } from "#libs/serve/source.ts";
import { createPace, type Pace } from "#libs/sparse/pace.ts";
import { createVectorIndex } from "#libs/sparse/vector-index.ts";

const indexFile = "index.usearch";

function createIndex(settings: ContentSettings): Index {
  return new Index({
    dimensions: settings.dimensions,
    metric: MetricKind.IP,
    quantization: ScalarKind.F32,
    connectivity: settings.connectivity,
    expansion_add: settings.expansionAdd,
    expansion_search: settings.expansionSearch,
    multi: false,
  });
}

async function fit(context: FitContext): Promise<void> {
  const settings = readSettings(contentSpec, context.settings);
  const { catalog, nowSeconds, part, progress } = context;
  const pace = createPace(context.signal);
  await pace.turn();
  const { vectors, space } = await contentVectors(catalog, settings, context.seed, pace, progress);
  const active = activeItems(catalog, nowSeconds, settings.activeDays);
  const items = Int32Array.from(active.keys()).filter((item) => active[item] === 1);
  const index = await buildIndex(settings, vectors, items, pace, progress);
  index.save(part.path(indexFile));
  part.tensors({ vectors, active });
  writeSpace(part, space);
  part.meta({ settings, itemsActive: items.length, columns: space.attributes.columns });
}

/** Items a call of the library, which holds the event loop for some 10 ms meanwhile. */
const itemsPerCall = 128;

/** One thread always: the same vectors then give the same index, and two were no faster in calls this short (2.0 against 2.9 s for 20 k items). */
async function buildIndex(
  settings: ContentSettings,
  vectors: Float32Array,
  items: Int32Array,
  pace: Pace,
  progress: Progress,
): Promise<Index> {
  const index = createIndex(settings);
  const d = settings.dimensions;
  for (let from = 0; from < items.length; from += itemsPerCall) {
    const rows = items.subarray(from, from + itemsPerCall);
    const batch = new Float32Array(rows.length * d);
    rows.forEach((item, r) => {
      batch.set(vectors.subarray(item * d, (item + 1) * d), r * d);
    });
    index.add(BigUint64Array.from(rows, BigInt), batch, 1);
    progress({ step: "content: indexing", done: from + rows.length, total: items.length, unit: "items" });
    await pace.turn();
  }
  return index;
}

function loadIndex(settings: ContentSettings, path: string, expected: number, release: string): Index {
  const index = createIndex(settings);
  try {
    index.load(path);
  } catch (cause) {
    throw new ModisteError("data_loss", "part_damaged", `release ${release}, part content: ${indexFile} does not load`, { cause });
  }
  if (index.size() !== expected) {
    throw new ModisteError(
      "data_loss",
      "part_damaged",
      `release ${release}, part content: ${indexFile} has ${index.size()} of ${expected} items`,
    );
  }
  return index;
}

/** What it takes to fold an item in that comes later. */
function writeSpace(part: PartWriter, { attributes, text, projection }: ContentSpace): void {
  part.strings("tokens", text.tokens);
  part.tensors({ projection, "attributes.weights": attributes.weights, "tokens.weights": text.weights });
}

/** Null for a part of before items could be folded in. */
function readSpace(part: PartReader, { textShare, dimensions: d }: ContentSettings): ContentSpace | null {
  const { columns } = part.meta() as { columns?: AttributeVocabulary["columns"] };
  if (columns === undefined) return null;
  const width = columns.reduce((sum, { size }) => sum + size, 0);
  const tokens = part.strings("tokens");
  return {
    attributes: { columns, weights: part.float64("attributes.weights", width) },
    text: { tokens, weights: part.float64("tokens.weights", tokens.length) },
    projection: part.float32("projection", (width + tokens.length) * d),
    textShare,
    d,
  };
}

interface LoadedContent extends ContentArtifact {
  /** The vector of an item that came after the release, with what is known of it in the catalogue. */
  readonly fold: (catalog: NamedCatalog, item: number) => Float32Array;
}

/** A part that cannot fold gives a new item the mean of its product's vectors, or none. */
function meanOfProduct({ index: { vectors, d } }: Pick<ContentArtifact, "index">, released: Catalog): LoadedContent["fold"] {
  return ({ productGroup }, item) => {
    const mean = new Float32Array(d);
    const code = productGroup.codes[item]!;
    released.productGroup.codes.forEach((own, sibling) => {
      if (own === code) for (let c = 0; c < d; c++) mean[c]! += vectors[sibling * d + c]!;
    });
    scaleToOne(mean);
    return mean;
  };
}

/** Items are folded in once for what is said of them: most changes are of others. */
function remembered(fold: LoadedContent["fold"]): LoadedContent["fold"] {
  const known = new Map<string, { readonly said: string; readonly vector: Float32Array }>();
  return (catalog, item) => {
    const columns = [catalog.category, catalog.productGroup, ...catalog.attributes];
    const said = JSON.stringify([catalog.names[item], catalog.texts[item], columns.map(({ codes }) => codes[item])]);
    const before = known.get(catalog.ids[item]!);
    if (before?.said === said) return before.vector;
    const vector = fold(catalog, item);
    known.set(catalog.ids[item]!, { said, vector });
    return vector;
  };
}

export const content: CandidateSource<LoadedContent> = {
  reasons: contentReasons,
  fit,
  load: async ({ part, catalog }) => {
    const settings = readSettings(contentSpec, part.meta().settings as Record<string, unknown>);
    const active = part.uint8("active", catalog.itemCount);
    const activeCount = active.reduce((count, bit) => count + bit, 0);
    const near = loadIndex(settings, part.path(indexFile), activeCount, part.release);
    const space = readSpace(part, settings);
    const index = createVectorIndex(part.float32("vectors", catalog.itemCount * settings.dimensions), settings.dimensions);
    return {
      settings,
      index,
      near: (vector, k) => (activeCount === 0 ? [] : near.search(vector, Math.min(k, activeCount), 1).keys),
      active,
      activeCount,
      added: null,
      fold: remembered(space === null ? meanOfProduct({ index }, catalog) : createFolding(space)),
    };
  },
  extend: (artifact, catalog) => {
    const { active, index, fold } = artifact;
    const added = addItems(catalog, active, index.d, (item) => fold(catalog, item));
    const onSale = active.slice();
    for (const item of added.items) if (item < onSale.length) onSale[item] = 1;
    return { ...artifact, active: onSale, added };
  },
  retrieve: retrieveSimilar,
};
