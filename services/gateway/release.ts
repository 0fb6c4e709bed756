/** What the gateway holds of one release. */

import { type AllowedItems, createFilterCache, type ItemFilter } from "#libs/catalog/filter.ts";
import type { LiveView } from "#libs/features/live-counts.ts";
import { type ItemTraits, traitsOf } from "#libs/pipeline/arrange.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { type LiveContext, openLiveArtifact } from "#libs/serve/live-artifact.ts";
import type { ReleaseLibrary } from "#libs/serve/release-library.ts";
import { type GatewayPart, loadGateway } from "./part.ts";

export interface GatewayRelease {
  readonly manifest: ReleaseManifest;
  readonly catalog: IndexedCatalog;
  readonly part: GatewayPart;
  readonly traits: ItemTraits;
  /** Items that pass a request's filter; null: all. */
  readonly allowed: (filter: ItemFilter) => AllowedItems | null;
  /** Items that live counters say were sold after the end of the release's data. */
  readonly soldSince: () => ReadonlySet<number>;
  close(): Promise<void>;
}

const soldIn = ({ added }: LiveView): Set<number> => new Set(added.flatMap((item, i) => (item && item.lastSaleSeconds > 0 ? [i] : [])));

export async function loadGatewayRelease(
  library: ReleaseLibrary,
  manifest: ReleaseManifest,
  context: LiveContext,
): Promise<GatewayRelease> {
  const catalog = await library.catalog(manifest);
  const part = await loadGateway(await library.store.part(manifest, "gateway"));
  const sold = await openLiveArtifact<ReadonlySet<number>>(context, manifest, catalog, new Set(), async (_, view) => soldIn(view));
  return {
    manifest,
    catalog,
    part,
    traits: traitsOf(catalog),
    allowed: createFilterCache(catalog),
    soldSince: sold.current,
    close: sold.close,
  };
}
