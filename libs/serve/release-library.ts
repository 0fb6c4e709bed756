/** The releases of one process: where they lie, and the catalogues that its services share. */

import type { ModisteError } from "#libs/core/errors.ts";
import { type IndexedCatalog, readCatalog, vocabularyPart } from "#libs/release/catalog-part.ts";
import { type FollowerOptions, followReleases, type ReleaseFollower } from "#libs/release/follower.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import type { Metrics } from "#libs/telemetry/metrics.ts";
import { openConfiguredStore, type ReleaseStoreConfig, releaseLocation } from "./release-settings.ts";
import type { ServiceContext } from "./service.ts";
import { resourceKey } from "./shared.ts";

export interface ReleaseLibrary {
  readonly store: ReleaseStore;
  /** The catalogue of a release, read once for all services of the process. */
  catalog(manifest: ReleaseManifest): Promise<IndexedCatalog>;
}

/** Catalogues kept: the serving release's, the one before, and one that is loading. */
const catalogsMax = 3;

const refusalsKey = resourceKey<ReturnType<typeof refusalsCounter>>("refusals counter");
const reachableKey = resourceKey<ReturnType<typeof storeReachable>>("reachability of releases");
const libraryKey = resourceKey<ReleaseLibrary>("releases");

function createLibrary(store: ReleaseStore): ReleaseLibrary {
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

const storeReachable = (metrics: Metrics) =>
  metrics.gauge("modiste_release_store_reachable", "1 while the store of releases can be looked at, 0 while it cannot", ["part"]);

type ReleaseConfig = ReleaseStoreConfig & { readonly releaseLookMs: number | undefined };

export function openReleaseLibrary({
  shared,
  home,
  config,
}: Pick<ServiceContext<ReleaseConfig>, "shared" | "home" | "config">): Promise<ReleaseLibrary> {
  return shared.open(libraryKey, () => createLibrary(openConfiguredStore(config, home)), undefined, releaseLocation(config, home));
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
  const reachable = await shared.open(reachableKey, () => storeReachable(telemetry.metrics));
  reachable.set({ part: name }, 1);
  const onFault = (fault: ModisteError | null): void => {
    reachable.set({ part: name }, fault === null ? 1 : 0);
    if (fault === null) log.info("the releases can be looked at again");
    else log.warn({ reason: fault.reason, err: fault }, `the releases cannot be looked at: ${fault.detail}`);
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
    onFault,
    intervalMs: context.config.releaseLookMs,
  });
  context.remarkWith(() => follower.remark());
  context.onClose(() => follower.close());
  return follower;
}
