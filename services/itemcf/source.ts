/** Candidate source "itemcf": what others took near what the user took, what comes next in sessions like the running one, own items again, other items of the same products. */

import { createBallot } from "#libs/models/itemcf/ballot.ts";
import { fitNeighbours } from "#libs/models/itemcf/fit.ts";
import { type ItemCfSettings, itemCfSpec } from "#libs/models/itemcf/settings.ts";
import { groupItems, type ItemCfArtifact, itemCfReasons, vote } from "#libs/models/itemcf/vote.ts";
import { decayedCounts } from "#libs/models/popularity/popularity.ts";
import { createSessionModel, type SessionModel } from "#libs/models/session/predict.ts";
import { collectSessions, indexSessions, type SessionColumns, wantsSessions } from "#libs/models/session/session-index.ts";
import { readSettings, weightsByCode } from "#libs/models/settings.ts";
import type { CandidateSource, FitContext, LoadContext } from "#libs/serve/source.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { threadsFor } from "#libs/sparse/pool.ts";

async function fit(context: FitContext): Promise<void> {
  const settings = readSettings(itemCfSpec, context.settings);
  const { interactions, nowSeconds, part } = context;
  const threads = threadsFor(interactions.items.length, context.threads);
  const neighbours = await fitNeighbours(interactions, nowSeconds, settings, threads, context.progress, context.signal);
  const sales = await decayedCounts(interactions, nowSeconds, settings, settings.popularityHalfLifeDays, createPace(context.signal));
  const sessions = await fitSessions(context, settings);
  part.tensors({ offsets: neighbours.offsets, neighbours: neighbours.items, similarities: neighbours.similarities, sales });
  if (sessions !== null) part.tensors({ sessionOffsets: sessions.offsets, sessionItems: sessions.items, sessionAges: sessions.ages });
  part.meta({ settings, pairs: neighbours.items.length, sessions: sessions?.ages.length ?? 0 });
}

/** null where the data have no order inside a day, or no session of two events. */
async function fitSessions(context: FitContext, settings: ItemCfSettings): Promise<SessionColumns | null> {
  const { interactions, nowSeconds, signal } = context;
  if (!wantsSessions(interactions, settings)) return null;
  const sessions = await collectSessions(interactions, nowSeconds, weightsByCode(settings), settings, createPace(signal));
  return sessions.ages.length > 0 ? sessions : null;
}

/** Parts written before sessions were learned have none. */
function loadSessions({ part, catalog }: LoadContext, settings: ItemCfSettings): SessionModel | null {
  const count = Number(part.meta().sessions ?? 0);
  if (count === 0) return null;
  const offsets = part.int32("sessionOffsets", count + 1);
  const columns = { offsets, items: part.int32("sessionItems", offsets[count]!), ages: part.float32("sessionAges", count) };
  return createSessionModel(indexSessions(columns, catalog.itemCount, settings), settings);
}

export const itemcf: CandidateSource<ItemCfArtifact> = {
  reasons: itemCfReasons,
  fit,
  load: async (context) => {
    const { part, catalog } = context;
    const settings = readSettings(itemCfSpec, part.meta().settings as Record<string, unknown>);
    const offsets = part.int32("offsets", catalog.itemCount + 1);
    const pairs = offsets[catalog.itemCount]!;
    const sales = part.float32("sales", catalog.itemCount);
    return {
      settings,
      neighbours: { offsets, items: part.int32("neighbours", pairs), similarities: part.float32("similarities", pairs) },
      groups: groupItems(catalog.productGroup.codes, catalog.productGroup.values.length, sales),
      sales,
      sessions: loadSessions(context, settings),
      ballot: createBallot(catalog.itemCount),
    };
  },
  retrieve: vote,
};
