/** Candidate source "itemcf": what others took near what the user took, the user's own items again, and other items of the same products. */

import { createBallot } from "#libs/models/itemcf/ballot.ts";
import { fitNeighbours } from "#libs/models/itemcf/fit.ts";
import { itemCfSpec } from "#libs/models/itemcf/settings.ts";
import { groupItems, type ItemCfArtifact, itemCfReasons, vote } from "#libs/models/itemcf/vote.ts";
import { decayedCounts } from "#libs/models/popularity/popularity.ts";
import { readSettings } from "#libs/models/settings.ts";
import type { CandidateSource, FitContext } from "#libs/serve/source.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { threadsFor } from "#libs/sparse/pool.ts";

async function fit(context: FitContext): Promise<void> {
  const settings = readSettings(itemCfSpec, context.settings);
  const { interactions, nowSeconds, part } = context;
  const threads = threadsFor(interactions.items.length, context.threads);
  const neighbours = await fitNeighbours(interactions, nowSeconds, settings, threads, context.progress, context.signal);
  const sales = await decayedCounts(interactions, nowSeconds, settings, settings.popularityHalfLifeDays, createPace(context.signal));
  part.tensors({ offsets: neighbours.offsets, neighbours: neighbours.items, similarities: neighbours.similarities, sales });
  part.meta({ settings, pairs: neighbours.items.length });
}

export const itemcf: CandidateSource<ItemCfArtifact> = {
  reasons: itemCfReasons,
  fit,
  load: async ({ part, catalog }) => {
    const offsets = part.int32("offsets", catalog.itemCount + 1);
    const pairs = offsets[catalog.itemCount]!;
    const sales = part.float32("sales", catalog.itemCount);
    return {
      settings: readSettings(itemCfSpec, part.meta().settings as Record<string, unknown>),
      neighbours: { offsets, items: part.int32("neighbours", pairs), similarities: part.float32("similarities", pairs) },
      groups: groupItems(catalog.productGroup.codes, catalog.productGroup.values.length, sales),
      sales,
      ballot: createBallot(catalog.itemCount),
    };
  },
  retrieve: vote,
};
