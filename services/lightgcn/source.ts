/** Candidate source "lightgcn": items near the user in an embedding propagated over the graph of recent users and items. */

import { fitLightGcn } from "#libs/models/lightgcn/fit.ts";
import { type LightGcnArtifact, lightGcnReasons, retrieveByGraph } from "#libs/models/lightgcn/fold.ts";
import { recentGraph } from "#libs/models/lightgcn/graph.ts";
import { lightGcnSpec } from "#libs/models/lightgcn/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import type { CandidateSource, FitContext } from "#libs/serve/source.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { threadsFor } from "#libs/sparse/pool.ts";
import { createVectorIndex } from "#libs/sparse/vector-index.ts";

async function fit(context: FitContext): Promise<void> {
  const settings = readSettings(lightGcnSpec, context.settings);
  const pace = createPace(context.signal);
  await pace.turn();
  const graph = await recentGraph(context.interactions, context.nowSeconds, settings, context.seed, pace);
  const threads = threadsFor(graph.edges.length, context.threads);
  const model = await fitLightGcn(graph, settings, context.seed, threads, context.progress, context.signal);
  const degrees = new Float32Array(graph.items.length);
  for (const item of graph.edges) degrees[item]!++;
  context.part.tensors({ items: graph.items, degrees, vectors: model.itemVectors });
  context.part.meta({ settings, users: graph.userCount, items: graph.items.length, edges: graph.edges.length, losses: model.losses });
}

export const lightgcn: CandidateSource<LightGcnArtifact> = {
  reasons: lightGcnReasons,
  fit,
  load: async ({ part, catalog }) => {
    const settings = readSettings(lightGcnSpec, part.meta().settings as Record<string, unknown>);
    const items = part.int32("items");
    const rowOf = new Int32Array(catalog.itemCount).fill(-1);
    items.forEach((item, row) => {
      rowOf[item] = row;
    });
    const degrees = part.float32("degrees", items.length);
    const index = createVectorIndex(part.float32("vectors", items.length * settings.dimensions), settings.dimensions);
    return { settings, items, rowOf, degrees, index };
  },
  retrieve: retrieveByGraph,
};
