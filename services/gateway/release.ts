/** What the gateway holds of one release. */

import { type AllowedItems, createFilterCache, type ItemFilter } from "#libs/catalog/filter.ts";
import type { ConfigOf } from "#libs/config/schema.ts";
import type { LiveView } from "#libs/features/live-counts.ts";
import { type ItemTraits, traitsOf } from "#libs/pipeline/arrange.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { ReleaseFollower } from "#libs/release/follower.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { type LiveContext, openLiveArtifact } from "#libs/serve/live-artifact.ts";
import { type catalogSettings, type LiveCatalog, openLiveCatalog } from "#libs/serve/live-catalog.ts";
import type { ReleaseLibrary } from "#libs/serve/release-library.ts";
import type { ServiceContext } from "#libs/serve/service.ts";
import { type GatewayPart, loadGateway } from "./part.ts";

/** As one request sees it from its beginning to its end. */
export interface GatewayRelease {
  readonly manifest: ReleaseManifest;
  /** With what the shop has said of its items since. */
  readonly catalog: IndexedCatalog;
  readonly part: GatewayPart;
  readonly traits: ItemTraits;
  /** Items that pass a request's filter; null: all. */
  readonly allowed: (filter: ItemFilter) => AllowedItems | null;
  /** Items that live counters say were sold after the end of the release's data. */
  readonly soldSince: () => ReadonlySet<number>;
}

export interface LoadedGateway {
  /** As of the last look at the catalogue's changes; the same object until one comes. */
  current(): GatewayRelease;
  close(): Promise<void>;
}

const soldIn = ({ added }: LiveView): Set<number> => new Set(added.flatMap((item, i) => (item && item.lastSaleSeconds > 0 ? [i] : [])));

export type GatewayContext = LiveContext & ServiceContext<LiveContext["config"] & ConfigOf<typeof catalogSettings>>;

/** What of a release is computed from its catalogue, once for each state of it. */
export function createSnapshots(
  live: Pick<LiveCatalog, "over">,
  released: IndexedCatalog,
  rest: Pick<GatewayRelease, "manifest" | "part" | "soldSince">,
): () => GatewayRelease {
  const snapshot = (catalog: IndexedCatalog): GatewayRelease => ({
    ...rest,
    catalog,
    traits: traitsOf(catalog),
    allowed: createFilterCache(catalog),
  });
  let latest = snapshot(live.over(released));
  return () => {
    const catalog = live.over(released);
    if (catalog !== latest.catalog) latest = snapshot(catalog);
    return latest;
  };
}

export async function loadGatewayRelease(
  library: ReleaseLibrary,
  manifest: ReleaseManifest,
  context: GatewayContext,
): Promise<LoadedGateway> {
  const catalog = await library.catalog(manifest);
  const part = await loadGateway(await library.store.part(manifest, "gateway"));
  const live = await openLiveCatalog(context);
  const sold = await openLiveArtifact<ReadonlySet<number>>(context, manifest, catalog, new Set(), async (_, view) => soldIn(view));
  return { current: createSnapshots(live, catalog, { manifest, part, soldSince: sold.current }), close: sold.close };
}

/** The follower's releases as requests see them. */
export function snapshotsOf(loaded: ReleaseFollower<LoadedGateway>): ReleaseFollower<GatewayRelease> {
  const now = (release: ReturnType<typeof loaded.current>) => ({ ...release, artifact: release.artifact.current() });
  return { ...loaded, current: () => now(loaded.current()), pinned: (id) => now(loaded.pinned(id)) };
}
