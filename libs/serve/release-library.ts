/** The releases of one process: where they lie, and the catalogues that its services share. */

import { join } from "node:path";
import { choice, text } from "#libs/config/fields.ts";
import { defineConfig } from "#libs/config/schema.ts";
import type { ModisteError } from "#libs/core/errors.ts";
import { type IndexedCatalog, readCatalog, vocabularyPart } from "#libs/release/catalog-part.ts";
import { openFolderStore, type ReleaseStore } from "#libs/release/folder-store.ts";
import { type FollowerOptions, followReleases, type ReleaseFollower } from "#libs/release/follower.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import type { Metrics } from "#libs/telemetry/metrics.ts";
import type { ServiceContext } from "./service.ts";
import { resourceKey } from "./shared.ts";

/** Settings of every service that serves from releases. */
export const releaseSettings = defineConfig({
  releases: text("RELEASES", "folder of releases; by default releases/ inside the home folder", { fallback: "" }),
  clock: choice(
    "CLOCK",
    "auto: a release of historic data answers for the end of its data; wall: always the wall clock",
    ["auto", "wall"],
    { fallback: "auto" },
  ),
});

export interface ReleaseLibrary {
  readonly store: ReleaseStore;
  /** The catalogue of a release, read once for all services of the process. */
  catalog(manifest: ReleaseManifest): Promise<IndexedCatalog>;
}

/** Catalogues kept: the serving release's, the one before, and one that is loading. */
const catalogsMax = 3;

const refusalsKey = resourceKey<ReturnType<typeof refusalsCounter>>("refusals counter");
const libraryKey = resourceKey<ReleaseLibrary>("releases");

function createLibrary(folder: string): ReleaseLibrary {
  const store = openFolderStore(folder);
  const catalogs = new Map<string, Promise<IndexedCatalog>>();
  return {
    store,
    catalog: (manifest) => {
      const known = catalogs.get(manifest.id);
      if (known) return known;
      const reading = store.part(manifest, vocabularyPart).then(readCatalog);
      catalogs.set(manifest.id, reading);
      // A refused part may be mended on disk: the next look reads it again.
      reading.catch(() => catalogs.delete(manifest.id));
      if (catalogs.size > catalogsMax) catalogs.delete(catalogs.keys().next().value as string);
      return reading;
    },
  };
}

function refusalsCounter(metrics: Metrics) {
  return metrics.counter("modiste_release_refusals_total", "Releases refused at load", ["part"]);
}

interface ReleaseConfig {
  readonly releases: string;
}

export function openReleaseLibrary({
  shared,
  home,
  config,
}: Pick<ServiceContext<ReleaseConfig>, "shared" | "home" | "config">): Promise<ReleaseLibrary> {
  const folder = config.releases === "" ? join(home, "releases") : config.releases;
  return shared.open(libraryKey, () => createLibrary(folder), undefined, folder);
}

export type ServedRelease<Artifact> = Pick<FollowerOptions<Artifact>, "warm" | "retire"> & {
  readonly load: (library: ReleaseLibrary, manifest: ReleaseManifest) => Promise<Artifact>;
};

/** Follows releases for a service: its metric and log tell of swaps and refusals; it is closed with the service. */
export async function serveReleases<Artifact>(
  context: ServiceContext<ReleaseConfig>,
  served: ServedRelease<Artifact>,
): Promise<ReleaseFollower<Artifact>> {
  const { name, log, telemetry, shared } = context;
  const library = await openReleaseLibrary(context);
  const refusals = await shared.open(refusalsKey, () => refusalsCounter(telemetry.metrics));
  let lastRefusal = "";
  const onRefusal = (release: string, error: ModisteError): void => {
    if (lastRefusal === release + error.message) return;
    lastRefusal = release + error.message;
    refusals.inc({ part: name });
    log.error({ release, reason: error.reason, err: error }, `release ${release} refused: ${error.detail}`);
  };
  const onSwap = (release: string): void => {
    lastRefusal = "";
    telemetry.metrics.release(name, release);
    log.info({ release }, "release serves");
  };
  const load = (manifest: ReleaseManifest): Promise<Artifact> => served.load(library, manifest);
  const follower = await followReleases<Artifact>({
    store: library.store,
    load,
    ...(served.warm ? { warm: served.warm } : {}),
    ...(served.retire ? { retire: served.retire } : {}),
    onSwap,
    onRefusal,
  });
  context.onClose(() => follower.close());
  return follower;
}
