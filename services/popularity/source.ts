/** Candidate source "popularity": what sells, overall, by age and by category, and what rises. Answers everybody. */

import { segmentNames, segmentOfAge, userSegments } from "#libs/features/segment.ts";
import { anchorSeconds, countPopularity, popularityLists, popularitySpec, windowDays } from "#libs/models/popularity/popularity.ts";
import { blendLists, type PopularityArtifact, popularityReasons, retrievePopular } from "#libs/models/popularity/retrieve.ts";
import { readSettings } from "#libs/models/settings.ts";
import type { PartReader, PartWriter } from "#libs/release/part.ts";
import type { CandidateSource, FitContext } from "#libs/serve/source.ts";
import { createPace } from "#libs/sparse/pace.ts";

const listNames = ["overall", "segments", "categories", "trend"] as const;

async function fit(context: FitContext): Promise<void> {
  const settings = readSettings(popularitySpec, context.settings);
  const pace = createPace(context.signal);
  await pace.turn();
  const { interactions, catalog, nowSeconds, progress } = context;
  const counts = await countPopularity(interactions, userSegments(context.users), nowSeconds, settings, pace, progress);
  const lists = popularityLists(counts, catalog.category.codes, catalog.category.values.length, settings.trendPrior);
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

export const popularity: CandidateSource<PopularityArtifact> = {
  reasons: popularityReasons,
  fit,
  load: async ({ part, catalog }) => {
    const { itemCount } = catalog;
    const counts = {
      itemCount,
      decayed: part.float32("decayed", itemCount),
      decayedBySegment: part.float32("decayed_by_segment", itemCount * segmentNames.length),
      windows: part.float32("windows", itemCount * windowDays.length),
      previous: part.float32("previous", itemCount * windowDays.length),
    };
    const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0);
    const artifact = {
      settings: readSettings(popularitySpec, part.meta().settings as Record<string, unknown>),
      counts,
      lists: readLists(part),
      total: sum(counts.decayed),
      segmentTotals: Float64Array.from(segmentNames, (_, s) => sum(counts.decayedBySegment.subarray(s * itemCount, (s + 1) * itemCount))),
      categories: catalog.category.codes,
    };
    return { ...artifact, blended: blendLists(artifact) };
  },
  retrieve: (artifact, query) => retrievePopular(artifact, { ...query, segment: segmentOfAge(query.attributes.get("age")) }),
};
