/**
 * Candidate source "lightgcn": items near the user on the graph of recent users and items. Setting `model` chooses how: "lightgcn" (trained
 * embeddings), "gfcf" or "bspm" (closed-form filters, nothing trained by gradients). All fold the user in from the request's events.
 */

import { fitGraphFilter } from "#libs/models/graph-filter/fit.ts";
import { createGraphFilter, type GraphFilterArtifact, retrieveByFilter } from "#libs/models/graph-filter/retrieve.ts";
import { bspmSpec, factorWidth, type GraphFilterSettings, gfcfSpec } from "#libs/models/graph-filter/settings.ts";
import { fitLightGcn } from "#libs/models/lightgcn/fit.ts";
import { type LightGcnArtifact, lightGcnReasons, retrieveByGraph } from "#libs/models/lightgcn/fold.ts";
import { recentGraph } from "#libs/models/lightgcn/graph.ts";
import { type LightGcnSettings, lightGcnSpec } from "#libs/models/lightgcn/settings.ts";
import { choice, readSettings, type SettingSpec } from "#libs/models/settings.ts";
import type { CandidateSource, FitContext, LoadContext } from "#libs/serve/source.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { threadsFor } from "#libs/sparse/pool.ts";
import { createVectorIndex } from "#libs/sparse/vector-index.ts";

const models = ["lightgcn", "gfcf", "bspm"] as const;
type ModelName = (typeof models)[number];

const modelSetting = choice(
  "lightgcn",
  models,
  "lightgcn: trained embeddings (libs/models/lightgcn); gfcf, bspm: closed-form filters (libs/models/graph-filter)",
);

/** The model that `given` names, and its own settings; a part written before there was a choice is lightgcn. */
type Recipe =
  | { readonly model: "lightgcn"; readonly settings: LightGcnSettings }
  | { readonly model: "gfcf" | "bspm"; readonly settings: GraphFilterSettings };

function readRecipe(given: Readonly<Record<string, unknown>>): Recipe {
  const model: ModelName = Object.hasOwn(given, "model") ? modelSetting.parse("model", given.model) : modelSetting.fallback;
  const named = <Settings>(spec: SettingSpec<Settings>): Settings => {
    // Read with its name, so that the list of known settings in a refusal has it too.
    const { model: _, ...settings } = readSettings<Settings & { model: ModelName }>(
      { ...spec, model: modelSetting } as SettingSpec<Settings & { model: ModelName }>,
      given,
    );
    return settings as Settings;
  };
  if (model === "lightgcn") return { model, settings: named(lightGcnSpec) };
  return { model, settings: named(model === "gfcf" ? gfcfSpec : bspmSpec) };
}

async function fit(context: FitContext): Promise<void> {
  const recipe = readRecipe(context.settings);
  const pace = createPace(context.signal);
  await pace.turn();
  const { seed, progress, signal, part } = context;
  const graph = await recentGraph(context.interactions, context.nowSeconds, recipe.settings, seed, pace);
  const threads = threadsFor(graph.edges.length, context.threads);
  const counts = {
    model: recipe.model,
    settings: recipe.settings,
    users: graph.userCount,
    items: graph.items.length,
    edges: graph.edges.length,
  };
  if (recipe.model === "lightgcn") {
    const model = await fitLightGcn(graph, recipe.settings, seed, threads, progress, signal);
    const degrees = new Float32Array(graph.items.length);
    for (const item of graph.edges) degrees[item]!++;
    part.tensors({ items: graph.items, degrees, vectors: model.itemVectors, sources: model.foldVectors });
    part.meta({ ...counts, foldedFrom: "sources", bestEpoch: model.bestEpoch, curve: model.curve });
    return;
  }
  const { neighbours, values, left, right, k, eigenvalues } = await fitGraphFilter(graph, recipe.settings, seed, threads, progress, signal);
  part.tensors({ items: graph.items, neighbours, values, left, right });
  part.meta({ ...counts, k, eigenvalues: [...eigenvalues] });
}

export type GraphArtifact =
  | { readonly model: "lightgcn"; readonly artifact: LightGcnArtifact }
  | { readonly model: "gfcf" | "bspm"; readonly artifact: GraphFilterArtifact };

async function load({ part, catalog }: LoadContext): Promise<GraphArtifact> {
  const meta = part.meta();
  const { model, settings } = readRecipe({ ...(meta.settings as Record<string, unknown>), model: meta.model ?? "lightgcn" });
  const items = part.int32("items");
  if (model !== "lightgcn") {
    const k = meta.k as number;
    const factors = {
      left: part.float32("left", items.length * factorWidth(settings)),
      right: part.float32("right", items.length * factorWidth(settings)),
    };
    const rows = { k, neighbours: part.int32("neighbours", items.length * k), values: part.float32("values", items.length * k) };
    return { model, artifact: createGraphFilter(settings, items, catalog.itemCount, { ...rows, ...factors }) };
  }
  const rowOf = new Int32Array(catalog.itemCount).fill(-1);
  items.forEach((item, row) => {
    rowOf[item] = row;
  });
  const degrees = part.float32("degrees", items.length);
  const index = createVectorIndex(part.float32("vectors", items.length * settings.dimensions), settings.dimensions);
  // Parts of older releases fold in from the final vectors.
  const sources = meta.foldedFrom === "sources" ? part.float32("sources", items.length * settings.dimensions) : index.vectors;
  return { model, artifact: { settings, items, rowOf, degrees, index, sources } };
}

export const lightgcn: CandidateSource<GraphArtifact> = {
  reasons: lightGcnReasons,
  fit,
  load,
  retrieve: (loaded, query) =>
    loaded.model === "lightgcn" ? retrieveByGraph(loaded.artifact, query) : retrieveByFilter(loaded.artifact, query),
};
