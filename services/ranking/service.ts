/** Ranker.Rank: proto in, the ranker's scores out. */

import { eventCode } from "#libs/events/event.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { Loaded } from "#libs/release/follower.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { bind } from "#libs/rpc/definition.ts";
import type { LiveArtifact } from "#libs/serve/follow-live.ts";
import { type LiveContext, openLiveArtifact } from "#libs/serve/live-artifact.ts";
import { type CatalogContext, catalogSettings, type LiveCatalog, openLiveCatalog } from "#libs/serve/live-catalog.ts";
import { liveSettings } from "#libs/serve/live-counters.ts";
import { nearlineSettings } from "#libs/serve/nearline.ts";
import type { PlaceNetwork, Ranker } from "#libs/serve/ranker.ts";
import { type ReleaseLibrary, serveReleases } from "#libs/serve/release-library.ts";
import { releaseSettings } from "#libs/serve/release-settings.ts";
import { defineService, type ServiceModule } from "#libs/serve/service.ts";
import { type Contributions, type FeatureRows, RankerDefinition, type RankRequest, type RankResponse } from "#protos/ranker.ts";
import { servicePlacement } from "./devices/place.ts";
import { deviceSettings } from "./devices/settings.ts";
import { liveCountsToProto } from "./live-record.ts";
import { bestPositions, type ReadRankRequest, readRankRequest, spreadScores } from "./rank-request.ts";
import { goldenHistory, loadReleaseSequence, type SequenceModel } from "./sequence-part.ts";
import { cacheStates } from "./state-cache.ts";

interface RankingArtifact {
  readonly catalog: IndexedCatalog;
  readonly live: LiveArtifact<unknown>;
  /** Catalogue and artifact of the moment, which belong together. */
  readonly state: () => RankerState;
  /** SASRec; null where the release has none. */
  readonly sequence: SequenceModel | null;
}

interface RankerState {
  readonly catalog: IndexedCatalog;
  readonly artifact: unknown;
}

/** Answers the state of the moment; the same object until artifact or catalogue change. */
function followState(
  ranker: Ranker<unknown>,
  live: Pick<LiveArtifact<unknown>, "current">,
  released: IndexedCatalog,
  over: LiveCatalog["over"],
): () => RankerState {
  let before: { readonly followed: unknown; readonly state: RankerState } | null = null;
  return () => {
    const [followed, catalog] = [live.current(), over(released)];
    if (before !== null && before.followed === followed && before.state.catalog === catalog) return before.state;
    const artifact = catalog === released ? followed : ranker.extend(followed, catalog);
    const state = { catalog, artifact };
    before = { followed, state };
    return state;
  };
}

/** Whether the release and the live counters give the request's features again: not where the shop has said something of its items since. */
function isRecountable({ itemIds, events }: RankRequest, words: LiveCatalog["words"]): boolean {
  return words.size === 0 || ![...itemIds, ...(events?.itemIds ?? [])].some((id) => words.has(id));
}

/** Candidates of one warming call, and calls: enough for the compiler to have seen the loops. */
const warmCandidates = 300;
const warmCalls = 20;

/** Scores what golden requests name again and again, so that the first caller does not wait for the compiler. */
async function warm(ranker: Ranker<unknown>, { manifest, artifact: { catalog, live } }: Loaded<RankingArtifact>): Promise<void> {
  const artifact = live.current();
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

async function loadArtifact(
  ranker: Ranker<unknown>,
  library: ReleaseLibrary,
  manifest: ReleaseManifest,
  place: PlaceNetwork,
  context: LiveContext & CatalogContext,
): Promise<RankingArtifact> {
  const catalog = await library.catalog(manifest);
  const sequence = await loadReleaseSequence(library.store, manifest, catalog);
  try {
    const part = await library.store.part(manifest, "ranking");
    const artifact = await ranker.load({ part, catalog, sequence: sequence && cacheStates(sequence), place });
    const follow = ranker.follow.bind(ranker);
    const live = await openLiveArtifact(context, manifest, catalog, artifact, follow);
    const { over } = await openLiveCatalog(context);
    return { catalog, live, state: followState(ranker, live, catalog, over), sequence };
  } catch (cause) {
    await sequence?.close();
    throw cause;
  }
}

function featureRows(
  ranker: Ranker<unknown>,
  artifact: unknown,
  { known, query }: ReadRankRequest,
  ranked: Float64Array,
  most: number,
): FeatureRows | undefined {
  if (most === 0) return undefined;
  const best = bestPositions(ranked, most);
  const { values, live } = ranker.features(artifact, query, best);
  const positions = Array.from(best, (position) => known[position]!);
  const items = Array.from(best, (position) => query.candidates[position]!);
  const message = live === null ? undefined : liveCountsToProto(live, items, positions);
  return { hash: ranker.featureHash(artifact), positions, values: Array.from(values), live: message };
}

async function contributions(
  ranker: Ranker<unknown>,
  artifact: unknown,
  { known, query }: ReadRankRequest,
  ranked: Float64Array,
  most: number,
): Promise<Contributions | undefined> {
  if (most === 0) return undefined;
  const best = bestPositions(ranked, most);
  const { groups, values } = await ranker.contributions(artifact, query, best);
  return { groups: [...groups], positions: Array.from(best, (position) => known[position]!), values: Array.from(values) };
}

export function rankingService(ranker: Ranker<unknown>): ServiceModule {
  return defineService({
    config: { ...releaseSettings, ...deviceSettings, ...nearlineSettings, ...liveSettings, ...catalogSettings },
    start: async (context) => {
      const place = servicePlacement(context);
      const { words } = await openLiveCatalog(context);
      const nonFiniteScores = context.telemetry.metrics.counter(
        "modiste_ranking_nonfinite_scores_total",
        "Scores of the ranker that were not finite, and so sank",
      );
      let toldOf = "";
      const releases = await serveReleases<RankingArtifact>(context, {
        load: (library, manifest) => loadArtifact(ranker, library, manifest, place, context),
        warm: async (loaded) => {
          await warm(ranker, loaded);
          await warmSequence(loaded);
        },
        retire: async ({ artifact: { live, sequence } }) => {
          await live.close();
          await ranker.close(live.current());
          await sequence?.close();
        },
      });
      const rank = async (request: RankRequest): Promise<RankResponse> => {
        const { release, artifact: loaded } = releases.pinned(request.release);
        // One for the whole request: scores, features and their counts belong together.
        const { catalog, artifact } = loaded.state();
        const { known, query } = readRankRequest(request, catalog);
        const ranked = await ranker.score(artifact, query);
        const { scores, nonFinite } = spreadScores(ranked, known, request.itemIds.length);
        if (nonFinite > 0) {
          nonFiniteScores.inc(nonFinite);
          // Told once a release: a broken network gives them with every request.
          if (toldOf !== release)
            context.log.error({ release, scores: nonFinite }, "the ranker gives scores that are not finite; they sink");
          toldOf = release;
        }
        const rows = isRecountable(request, words) ? request.featureRows : 0;
        const features = featureRows(ranker, artifact, { known, query }, ranked, rows);
        return {
          release,
          scores,
          model: ranker.model(artifact),
          features,
          contributions: await contributions(ranker, artifact, { known, query }, ranked, request.contributionRows),
        };
      };
      return { bindings: [bind(RankerDefinition, { rank })], ready: () => releases.notReady(), close: async () => undefined };
    },
  });
}
