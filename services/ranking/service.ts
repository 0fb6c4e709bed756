/** Ranker.Rank: proto in, the ranker's scores out. */

import { invalid } from "#libs/core/errors.ts";
import { historyFromProto } from "#libs/events/codec.ts";
import { eventCode } from "#libs/events/event.ts";
import type { SourceColumn } from "#libs/features/features.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { Loaded } from "#libs/release/follower.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { bind } from "#libs/rpc/definition.ts";
import { denseEvents } from "#libs/serve/dense-events.ts";
import type { Ranker } from "#libs/serve/ranker.ts";
import { type ReleaseLibrary, releaseSettings, serveReleases } from "#libs/serve/release-library.ts";
import { defineService, type ServiceModule } from "#libs/serve/service.ts";
import { RankerDefinition, type RankRequest, type RankResponse, type SourceColumn as SourceColumnMessage } from "#protos/ranker.ts";
import { goldenHistory, loadReleaseSequence, type SequenceModel } from "./sequence-part.ts";

interface RankingArtifact {
  readonly catalog: IndexedCatalog;
  readonly artifact: unknown;
  /** SASRec; null where the release has none. */
  readonly sequence: SequenceModel | null;
}

const candidatesMax = 2000;

interface KnownCandidates {
  /** Positions in the request. */
  readonly positions: Int32Array;
  /** Dense item indexes, aligned. */
  readonly items: Int32Array;
}

/** The candidates that the release knows. */
function knownCandidates(itemIds: readonly string[], catalog: IndexedCatalog): KnownCandidates {
  if (itemIds.length > candidatesMax) throw invalid("item_ids", `has ${itemIds.length} entries, at most ${candidatesMax} are ranked`);
  const positions = new Int32Array(itemIds.length);
  const items = new Int32Array(itemIds.length);
  let known = 0;
  for (let i = 0; i < itemIds.length; i++) {
    const item = catalog.indexOf.get(itemIds[i]!);
    if (item === undefined) continue;
    positions[known] = i;
    items[known++] = item;
  }
  return { positions: positions.subarray(0, known), items: items.subarray(0, known) };
}

function columnsFrom(sources: readonly SourceColumnMessage[], known: Int32Array, itemCount: number): SourceColumn[] {
  // A source of another release scored on another scale: its word counts as missing.
  return sources
    .filter(({ pinned }) => pinned)
    .map(({ source, scores, ranks }) => {
      if (scores.length !== itemCount || ranks.length !== itemCount)
        throw invalid(`sources.${source}`, `has ${scores.length} scores for ${itemCount} items`);
      if (known.length === itemCount) return { source, scores, ranks };
      return { source, scores: Array.from(known, (i) => scores[i]!), ranks: Array.from(known, (i) => ranks[i]!) };
    });
}

/** An item that the release does not know sinks below all others. */
function spread(scores: Float64Array, known: Int32Array, count: number): number[] {
  if (known.length === count) return Array.from(scores);
  const all = new Array<number>(count).fill(-Number.MAX_VALUE);
  known.forEach((position, i) => {
    all[position] = scores[i]!;
  });
  return all;
}

/** Candidates of one warming call, and calls: enough for the compiler to have seen the loops. */
const warmCandidates = 300;
const warmCalls = 20;

/** Scores what golden requests name again and again, so that the first caller does not wait for the compiler. */
async function warm(ranker: Ranker<unknown>, { manifest, artifact: { catalog, artifact } }: Loaded<RankingArtifact>): Promise<void> {
  const known = manifest.golden.flatMap(({ items }) => items.flatMap((id) => catalog.indexOf.get(id) ?? []));
  const nowSeconds = manifest.data.end_seconds;
  const items = Int32Array.from(known);
  const events = {
    items,
    times: new Float64Array(items.length).fill(nowSeconds - 1),
    types: new Uint8Array(items.length).fill(eventCode.purchase),
  };
  const candidates = Int32Array.from({ length: Math.min(warmCandidates, catalog.itemCount) }, (_, item) => item);
  for (let call = 0; call < warmCalls; call++)
    await ranker.score(artifact, { candidates, sources: [], events, attributes: new Map(), nowSeconds });
}

/** The graph file, run as requests will run it. */
async function warmSequence({ manifest, artifact: { catalog, sequence } }: Loaded<RankingArtifact>): Promise<void> {
  if (sequence === null) return;
  for (const { events } of manifest.golden) await sequence.states([goldenHistory(events, catalog)]);
}

async function loadArtifact(ranker: Ranker<unknown>, library: ReleaseLibrary, manifest: ReleaseManifest): Promise<RankingArtifact> {
  const catalog = await library.catalog(manifest);
  const sequence = await loadReleaseSequence(library.store, manifest, catalog);
  try {
    return { catalog, artifact: await ranker.load({ part: await library.store.part(manifest, "ranking"), catalog, sequence }), sequence };
  } catch (cause) {
    await sequence?.close();
    throw cause;
  }
}

export function rankingService(ranker: Ranker<unknown>): ServiceModule {
  return defineService({
    config: releaseSettings,
    start: async (context) => {
      const releases = await serveReleases<RankingArtifact>(context, {
        load: (library, manifest) => loadArtifact(ranker, library, manifest),
        warm: async (loaded) => {
          await warm(ranker, loaded);
          await warmSequence(loaded);
        },
        retire: async ({ artifact: { artifact, sequence } }) => {
          await ranker.close(artifact);
          await sequence?.close();
        },
      });
      const rank = async (request: RankRequest): Promise<RankResponse> => {
        const { release, artifact } = releases.pinned(request.release);
        const { catalog } = artifact;
        const { positions: known, items } = knownCandidates(request.itemIds, catalog);
        const scores = await ranker.score(artifact.artifact, {
          candidates: items,
          sources: columnsFrom(request.sources, known, request.itemIds.length),
          events: denseEvents(historyFromProto(request.events), catalog),
          attributes: new Map(Object.entries(request.user?.attributes ?? {})),
          nowSeconds: request.nowSeconds,
        });
        return { release, scores: spread(scores, known, request.itemIds.length), model: ranker.model(artifact.artifact) };
      };
      return { bindings: [bind(RankerDefinition, { rank })], ready: () => releases.notReady(), close: async () => undefined };
    },
  });
}
