/** From Ranker.Rank's messages to the ranker's terms and back. `modiste skew` reads records of requests through the same functions. */

import { invalid } from "#libs/core/errors.ts";
import { historyFromProto } from "#libs/events/codec.ts";
import { itemsMax } from "#libs/events/limits.ts";
import { columnAt, type SourceColumn } from "#libs/features/features.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import { denseEvents } from "#libs/serve/dense-events.ts";
import { type RankQuery, sunkScore } from "#libs/serve/ranker.ts";
import type { RankRequest, SourceColumn as SourceColumnMessage } from "#protos/ranker.ts";

const candidatesMax = 2000;
/** Candidates whose features or contributions one request answers. */
const rowsMax = itemsMax;

export interface ReadRankRequest {
  /** Positions in the request of the candidates that the release knows, ascending. */
  readonly known: Int32Array;
  /** Of the known candidates only. */
  readonly query: RankQuery;
}

function checkRequest({ itemIds, featureRows, contributionRows }: RankRequest): void {
  if (itemIds.length > candidatesMax) throw invalid("item_ids", `has ${itemIds.length} entries, at most ${candidatesMax} are ranked`);
  if (featureRows > rowsMax) throw invalid("feature_rows", `is ${featureRows}, at most ${rowsMax} are answered`);
  if (contributionRows > rowsMax) throw invalid("contribution_rows", `is ${contributionRows}, at most ${rowsMax} are answered`);
  if (new Set(itemIds).size === itemIds.length) return;
  const places = new Map<string, number>();
  itemIds.forEach((id, place) => {
    const first = places.get(id);
    if (first !== undefined) throw invalid("item_ids", `names one item twice, at ${first} and ${place}`, "doubled_candidate");
    places.set(id, place);
  });
}

function columnsFrom(sources: readonly SourceColumnMessage[], known: Int32Array, itemCount: number): SourceColumn[] {
  // A source of another release scored on another scale: its word counts as missing.
  return sources
    .filter(({ pinned }) => pinned)
    .map(({ source, scores, ranks }) => {
      if (scores.length !== itemCount || ranks.length !== itemCount)
        throw invalid(`sources.${source}`, `has ${scores.length} scores and ${ranks.length} ranks for ${itemCount} items`);
      if (known.length === itemCount) return { source, scores, ranks };
      return columnAt({ source, scores, ranks }, known);
    });
}

/** Throws `invalid_argument` naming the field: too many candidates or rows of features or contributions, doubles, columns of another length. */
export function readRankRequest(request: RankRequest, catalog: IndexedCatalog): ReadRankRequest {
  checkRequest(request);
  const { itemIds } = request;
  const positions = new Int32Array(itemIds.length);
  const items = new Int32Array(itemIds.length);
  let count = 0;
  for (let i = 0; i < itemIds.length; i++) {
    const item = catalog.indexOf.get(itemIds[i]!);
    if (item === undefined) continue;
    positions[count] = i;
    items[count++] = item;
  }
  const known = positions.subarray(0, count);
  return {
    known,
    query: {
      candidates: items.subarray(0, count),
      sources: columnsFrom(request.sources, known, itemIds.length),
      events: denseEvents(historyFromProto(request.events), catalog),
      attributes: new Map(Object.entries(request.user?.attributes ?? {})),
      nowSeconds: request.nowSeconds,
    },
  };
}

export interface SpreadScores {
  /** One for each of the request's candidates. */
  readonly scores: number[];
  /** Scores of the ranker that were not finite, and so sank. */
  readonly nonFinite: number;
}

/** The ranker's scores at their candidates' places in the request of `count` candidates. */
export function spreadScores(ranked: Float64Array, known: Int32Array, count: number): SpreadScores {
  const scores = new Array<number>(count).fill(sunkScore);
  let nonFinite = 0;
  for (let i = 0; i < known.length; i++) {
    if (Number.isFinite(ranked[i])) scores[known[i]!] = ranked[i]!;
    else nonFinite++;
  }
  return { scores, nonFinite };
}

/** Positions among the known candidates of the `most` highest finite scores, best first, ties in the order of the request. */
export function bestPositions(ranked: Float64Array, most: number): Int32Array {
  const finite = Int32Array.from(ranked.keys()).filter((position) => Number.isFinite(ranked[position]));
  return finite.sort((a, b) => ranked[b]! - ranked[a]! || a - b).slice(0, most);
}
