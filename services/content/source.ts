/** Candidate source "content": items whose attributes and words are like those of the user's recent items. Knows items never sold, too. */

import { Index, MetricKind, ScalarKind } from "usearch";
import { ModisteError } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import { type ContentArtifact, contentReasons, retrieveSimilar } from "#libs/models/content/retrieve.ts";
import { type ContentSettings, contentSpec } from "#libs/models/content/settings.ts";
import { activeItems, contentVectors } from "#libs/models/content/vectors.ts";
import { readSettings } from "#libs/models/settings.ts";
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
  const vectors = await contentVectors(catalog, settings, context.seed, pace, progress);
  const active = activeItems(catalog, nowSeconds, settings.activeDays);
  const items = Int32Array.from(active.keys()).filter((item) => active[item] === 1);
  const index = await buildIndex(settings, vectors, items, pace, progress);
  index.save(part.path(indexFile));
  part.tensors({ vectors, active });
  part.meta({ settings, itemsActive: items.length });
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

export const content: CandidateSource<ContentArtifact> = {
  reasons: contentReasons,
  fit,
  load: async ({ part, catalog }) => {
    const settings = readSettings(contentSpec, part.meta().settings as Record<string, unknown>);
    const active = part.uint8("active", catalog.itemCount);
    const activeCount = active.reduce((count, bit) => count + bit, 0);
    const near = loadIndex(settings, part.path(indexFile), activeCount, part.release);
    return {
      settings,
      index: createVectorIndex(part.float32("vectors", catalog.itemCount * settings.dimensions), settings.dimensions),
      near: (vector, k) => (activeCount === 0 ? [] : near.search(vector, Math.min(k, activeCount), 1).keys),
      active,
      activeCount,
    };
  },
  retrieve: retrieveSimilar,
};
