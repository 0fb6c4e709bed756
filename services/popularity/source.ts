/** Candidate source "popularity": what sells, overall, by age and by category, and what rises. Answers everybody. */

import type { LiveView } from "#libs/features/live-counts.ts";
import { segmentNames, segmentOfAge, userSegments } from "#libs/features/segment.ts";
import { addBorrowed, type BorrowedItems, borrowFrom } from "#libs/models/popularity/borrowed.ts";
import { ageWindows, followCounts } from "#libs/models/popularity/follow.ts";
import {
  anchorSeconds,
  countPopularity,
  type PopularityCounts,
  popularityLists,
  popularitySpec,
  windowDays,
} from "#libs/models/popularity/popularity.ts";
import { blendTables, type PopularityArtifact, popularityReasons, reasonCode, retrievePopular } from "#libs/models/popularity/retrieve.ts";
import { ownRows } from "#libs/models/query.ts";
import { readSettings } from "#libs/models/settings.ts";
import type { PartReader, PartWriter } from "#libs/release/part.ts";
import type { CandidateSource, FitContext, LoadContext } from "#libs/serve/source.ts";
import { createPace, type Pace } from "#libs/sparse/pace.ts";

const listNames = ["overall", "segments", "categories", "trend"] as const;

async function fit(context: FitContext): Promise<void> {
  const settings = readSettings(popularitySpec, context.settings);
  const pace = createPace(context.signal);
  await pace.turn();
  const { interactions, catalog, nowSeconds, progress } = context;
  const counts = await countPopularity(interactions, userSegments(context.users), nowSeconds, settings, pace, progress);
  const lists = await popularityLists(counts, catalog.category.codes, catalog.category.values.length, settings.trendPrior, pace);
  await pace.turn();
  const { decayed, decayedBySegment, windows } = counts;
  context.part.tensors({ decayed, decayed_by_segment: decayedBySegment, windows, previous: counts.previous });
  writeLists(context.part, lists);
  context.part.meta({
    settings,
    segments: segmentNames,
    windowDays,
    anchorSeconds: anchorSeconds(interactions, nowSeconds),
    itemsSold: decayed.reduce((sold, count) => sold + (count > 0 ? 1 : 0), 0),
  });
}

function writeLists(part: PartWriter, lists: PopularityArtifact["lists"]): void {
  for (const name of listNames) part.tensors({ [`${name}_offsets`]: lists[name].offsets, [`${name}_items`]: lists[name].items });
}

function readLists(part: PartReader): PopularityArtifact["lists"] {
  const read = (name: (typeof listNames)[number]) => ({ offsets: part.int32(`${name}_offsets`), items: part.int32(`${name}_items`) });
  return { overall: read("overall"), segments: read("segments"), categories: read("categories"), trend: read("trend") };
}

interface FollowedPopularity extends PopularityArtifact {
  /** What the release holds. */
  readonly released: {
    readonly counts: PopularityCounts;
    readonly categoryCount: number;
    /** Instant that its decayed counts are of, seconds since 1970 UTC. */
    readonly anchorSeconds: number;
  };
  /** The release's own windows as of the day that was followed last. */
  readonly aged: { readonly today: number; readonly windows: Pick<PopularityCounts, "windows" | "previous"> } | null;
  /** Items that came after the release; null: none. */
  readonly borrowed: BorrowedItems | null;
}

async function load({ part, catalog }: LoadContext): Promise<FollowedPopularity> {
  const { itemCount } = catalog;
  const meta = part.meta() as { settings: Record<string, unknown>; anchorSeconds: number };
  const counts = {
    itemCount,
    decayed: part.float32("decayed", itemCount),
    decayedBySegment: part.float32("decayed_by_segment", itemCount * segmentNames.length),
    windows: part.float32("windows", itemCount * windowDays.length),
    previous: part.float32("previous", itemCount * windowDays.length),
  };
  const settings = readSettings(popularitySpec, meta.settings);
  const tables = { settings, counts, lists: readLists(part), categories: catalog.category.codes };
  const released = { counts, categoryCount: catalog.category.values.length, anchorSeconds: meta.anchorSeconds };
  return { ...(await blendTables(tables, createPace(new AbortController().signal))), released, aged: null, borrowed: null };
}

async function follow(artifact: FollowedPopularity, view: LiveView, pace: Pace): Promise<FollowedPopularity> {
  const { released, settings, categories } = artifact;
  const { today } = view;
  const aged = artifact.aged?.today === today ? artifact.aged : { today, windows: await ageWindows(released.counts, settings, view, pace) };
  const counts = await followCounts(released.counts, aged.windows, released.anchorSeconds, settings, view, pace);
  const lists = await popularityLists(counts, categories, released.categoryCount, settings.trendPrior, pace);
  return { ...(await blendTables({ settings, counts, lists, categories }, pace)), released, aged, borrowed: null };
}

export const popularity: CandidateSource<FollowedPopularity> = {
  reasons: popularityReasons,
  fit,
  load,
  follow,
  extend: (artifact, catalog) => ({
    ...artifact,
    categories: catalog.category.codes,
    borrowed: borrowFrom(catalog, artifact.counts.itemCount),
  }),
  retrieve: (artifact, query) => {
    const { borrowed } = artifact;
    const asked = { ...query, segment: segmentOfAge(query.attributes.get("age")) };
    if (borrowed === null || borrowed.siblings.length === 0) return retrievePopular(artifact, asked);
    const own = { ...asked, allowed: ownRows(query.allowed, artifact.counts.itemCount) };
    return addBorrowed(artifact, borrowed, asked, retrievePopular(artifact, own), {
      borrowed: reasonCode.product,
      unsold: reasonCode.unsold,
    });
  },
};
