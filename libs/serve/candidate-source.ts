/** A candidate source as a service: ids, filters and releases are translated around its three functions. */

import { checkFilter, noFilter } from "#libs/catalog/filter.ts";
import type { ConfigOf } from "#libs/config/schema.ts";
import { assert, invalid } from "#libs/core/errors.ts";
import { historyFromProto } from "#libs/events/codec.ts";
import { eventCode } from "#libs/events/event.ts";
import { noCandidates } from "#libs/models/query.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { Loaded } from "#libs/release/follower.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { bind } from "#libs/rpc/definition.ts";
import { CandidateSourceDefinition, type GenerateRequest, type GenerateResponse } from "#protos/candidate_source.ts";
import { type CataloguedSource, followCatalogued } from "./catalogued.ts";
import { denseEvents } from "./dense-events.ts";
import type { LiveArtifact } from "./follow-live.ts";
import { openLiveArtifact } from "./live-artifact.ts";
import { catalogSettings, openLiveCatalog } from "./live-catalog.ts";
import { liveSettings } from "./live-counters.ts";
import { nearlineSettings } from "./nearline.ts";
import { serveReleases } from "./release-library.ts";
import { releaseSettings } from "./release-settings.ts";
import { defineService, type RunningService, type ServiceContext, type ServiceModule } from "./service.ts";
import type { CandidateSource, Candidates, SourceQuery } from "./source.ts";

interface SourceArtifact {
  /** As it was released. */
  readonly catalog: IndexedCatalog;
  readonly live: LiveArtifact<unknown>;
  /** With what the shop has said of its items since. */
  readonly state: () => CataloguedSource;
}

const candidatesMax = 1000;

function queryFrom(request: GenerateRequest, { catalog, itemCount, allowed }: CataloguedSource): SourceQuery {
  if (request.limit < 1 || request.limit > candidatesMax) throw invalid("limit", `must be 1 to ${candidatesMax}, got ${request.limit}`);
  const filter = request.filter ?? noFilter;
  checkFilter(catalog, filter);
  const seeds = request.seedItemIds.flatMap((id) => catalog.indexOf.get(id) ?? []).filter((item) => item < itemCount);
  return {
    limit: request.limit,
    nowSeconds: request.nowSeconds,
    ...denseEvents(historyFromProto(request.events), catalog, itemCount),
    attributes: new Map(Object.entries(request.user?.attributes ?? {})),
    seeds: Int32Array.from(seeds),
    allowed: allowed(filter),
  };
}

function toResponse(
  { items, scores, reasons, because }: Candidates,
  release: string,
  ids: readonly string[],
  words: readonly string[],
): GenerateResponse {
  return {
    release,
    itemIds: Array.from(items, (item) => ids[item]!),
    scores: Array.from(scores),
    reasonIndexes: Array.from(reasons),
    reasons: [...words],
    becauseItemIds: Array.from(because, (item) => (item < 0 ? "" : ids[item]!)),
  };
}

/** Asks for what the golden requests name, so that the first caller finds compiled code and touched pages. */
function warm(source: CandidateSource<unknown>, { manifest, artifact: { catalog, live } }: Loaded<SourceArtifact>): void {
  const artifact = live.current();
  for (const { items: ids, now_seconds: nowSeconds } of manifest.golden) {
    const items = Int32Array.from(ids.flatMap((id) => catalog.indexOf.get(id) ?? []));
    const times = new Float64Array(items.length).fill(nowSeconds - 1);
    const types = new Uint8Array(items.length).fill(eventCode.purchase);
    const base = { limit: 100, nowSeconds, attributes: new Map<string, string>(), allowed: null };
    source.retrieve(artifact, { ...base, items, times, types, seeds: new Int32Array(0) });
    source.retrieve(artifact, {
      ...base,
      items: new Int32Array(0),
      times: new Float64Array(0),
      types: new Uint8Array(0),
      seeds: items.slice(0, 1),
    });
  }
}

/** An artifact that follows nothing. */
const still = (artifact: unknown): LiveArtifact<unknown> => ({
  current: () => artifact,
  settle: async () => undefined,
  close: async () => undefined,
});

type Open = (manifest: ReleaseManifest, catalog: IndexedCatalog, artifact: unknown) => Promise<LiveArtifact<unknown>>;

/** The service of a source; `name` is its part in a release and its row in the fleet. */
export function candidateSourceService(name: string, source: CandidateSource<unknown>): ServiceModule {
  const { follow } = source;
  if (follow === undefined)
    return defineService({
      config: { ...releaseSettings, ...nearlineSettings, ...catalogSettings },
      start: (context) => startSource(context, name, source, async (_, __, artifact) => still(artifact)),
    });
  return defineService({
    config: { ...releaseSettings, ...nearlineSettings, ...liveSettings, ...catalogSettings },
    start: (context) =>
      startSource(context, name, source, (manifest, catalog, artifact) => openLiveArtifact(context, manifest, catalog, artifact, follow)),
  });
}

async function startSource(
  context: ServiceContext<ConfigOf<typeof releaseSettings & typeof nearlineSettings & typeof catalogSettings>>,
  name: string,
  source: CandidateSource<unknown>,
  open: Open,
): Promise<RunningService> {
  const { over } = await openLiveCatalog(context);
  const releases = await serveReleases<SourceArtifact>(context, {
    load: async (library, manifest) => {
      const catalog = await library.catalog(manifest);
      const artifact = await source.load({ part: await library.store.part(manifest, name), catalog });
      const live = await open(manifest, catalog, artifact);
      return { catalog, live, state: followCatalogued(source, live, catalog, over) };
    },
    warm: async (loaded) => warm(source, loaded),
    retire: ({ artifact: { live } }) => live.close(),
  });
  const generate = async (request: GenerateRequest): Promise<GenerateResponse> => {
    const { release, artifact } = releases.pinned(request.release);
    // One for the whole request: indexes belong to it.
    const state = artifact.state();
    const query = queryFrom(request, state);
    // Of seeds that it does not know a source can say nothing; without any it would answer the history instead.
    const isAsked = request.seedItemIds.length === 0 || query.seeds.length > 0;
    const candidates = isAsked ? state.retrieve(query) : noCandidates;
    assert(candidates.items.length <= request.limit, `${name} gave more candidates than it was asked for`);
    return toResponse(candidates, release, state.catalog.ids, source.reasons);
  };
  return { bindings: [bind(CandidateSourceDefinition, { generate })], ready: () => releases.notReady(), close: async () => undefined };
}
