/** What the gateway holds of one release. */

import { type AllowedItems, createFilterCache, type ItemFilter } from "#libs/catalog/filter.ts";
import { type ItemTraits, traitsOf } from "#libs/pipeline/arrange.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import type { ReleaseLibrary } from "#libs/serve/release-library.ts";
import { type GatewayPart, loadGateway } from "./part.ts";

export interface GatewayRelease {
  readonly manifest: ReleaseManifest;
  readonly catalog: IndexedCatalog;
  readonly part: GatewayPart;
  readonly traits: ItemTraits;
  /** Items that pass a request's filter; null: all. */
  readonly allowed: (filter: ItemFilter) => AllowedItems | null;
}

export async function loadGatewayRelease(library: ReleaseLibrary, manifest: ReleaseManifest): Promise<GatewayRelease> {
  const catalog = await library.catalog(manifest);
  const part = await loadGateway(await library.store.part(manifest, "gateway"));
  return { manifest, catalog, part, traits: traitsOf(catalog), allowed: createFilterCache(catalog) };
}
