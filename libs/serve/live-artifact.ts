/** How services open what follows the live counters. */

import type { ConfigOf } from "#libs/config/schema.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { servingNow } from "#libs/release/serving-clock.ts";
import { type FollowLiveOptions, followLive, type LiveArtifact } from "./follow-live.ts";
import { type liveSettings, openLiveCounters } from "./live-counters.ts";
import type { nearlineSettings } from "./nearline.ts";
import type { releaseSettings } from "./release-settings.ts";
import type { ServiceContext } from "./service.ts";

export type LiveContext = ServiceContext<ConfigOf<typeof releaseSettings & typeof liveSettings & typeof nearlineSettings>>;

/** The artifact of a release as it follows the counters of this process, at the release's serving instant. */
export async function openLiveArtifact<Artifact>(
  context: LiveContext,
  manifest: ReleaseManifest,
  catalog: IndexedCatalog,
  artifact: Artifact,
  follow: FollowLiveOptions<Artifact>["follow"],
): Promise<LiveArtifact<Artifact>> {
  const { clock, config, log } = context;
  return followLive({
    counters: await openLiveCounters(context),
    release: catalog,
    artifact,
    follow,
    clock,
    servingNow: () => servingNow(manifest, clock.nowSeconds(), config.clock),
    rebuildMs: config.liveRebuildMs,
    onFailure: (err) => log.error({ err, release: manifest.id }, "figures cannot follow the live counters; those before go on"),
  });
}
