/** The serving release of a home, loaded as the services load it, and requests of its users. */

import { join } from "node:path";
import { openDataset } from "#libs/data/dataset.ts";
import { type IndexedCatalog, readCatalog } from "#libs/release/catalog-part.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import type { PlaceNetwork, Ranker, RankQuery } from "#libs/serve/ranker.ts";
import { type LoadedSource, type OfflineUser, offlineCandidates, offlineUser, rankQuery } from "../../services/cli/training/offline.ts";
import { loadModels } from "../../services/fleet.ts";
import { dataFolder } from "./load.ts";

export interface LoadedRelease {
  readonly manifest: ReleaseManifest;
  readonly catalog: IndexedCatalog;
  readonly ranker: Ranker<unknown>;
  readonly artifact: unknown;
  readonly sources: readonly LoadedSource[];
  close(): Promise<void>;
}

export async function openRelease(home: string, place?: PlaceNetwork): Promise<LoadedRelease> {
  const store = openFolderStore(join(home, "releases"));
  const manifest = await store.manifest((await store.current())!);
  const catalog = readCatalog(await store.part(manifest, "vocabulary"));
  const models = await loadModels();
  const sequence = await models.sequence.loadReleaseSequence(store, manifest, catalog);
  const part = await store.part(manifest, "ranking");
  const artifact = await models.ranker.load({ part, catalog, sequence, ...(place ? { place } : {}) });
  const sources: LoadedSource[] = [];
  for (const { name, source } of models.sources) {
    sources.push({ name, source, artifact: await source.load({ part: await store.part(manifest, name), catalog }) });
  }
  return {
    manifest,
    catalog,
    ranker: models.ranker,
    artifact,
    sources,
    close: async () => {
      await models.ranker.close(artifact);
      await sequence?.close();
    },
  };
}

/** Users spread over the data set, at the end of the release's data. */
export async function benchUsers(home: string, { manifest }: LoadedRelease, count: number): Promise<OfflineUser[]> {
  const dataset = await openDataset(await dataFolder(home));
  try {
    const interactions = await dataset.loadInteractions();
    const users = await dataset.loadUsers();
    return Array.from({ length: count }, (_, i) =>
      offlineUser(interactions, users, Math.floor((i / count) * users.userCount), manifest.data.end_seconds),
    );
  } finally {
    dataset.close();
  }
}

/** What the ranker would be asked for the user, with at most so many candidates; `all`: whether they can be bought or not. */
export function benchQuery(user: OfflineUser, { catalog, sources }: LoadedRelease, most: number, items: "serving" | "all"): RankQuery {
  const quotas = Object.fromEntries(sources.map(({ name }) => [name, 300]));
  return rankQuery(user, offlineCandidates(sources, user, catalog, quotas, most, { items, seen: "keep" }));
}

/** The same for its first candidates. */
export function shortened({ candidates, sources, ...rest }: RankQuery, count: number): RankQuery {
  const first = (values: ArrayLike<number>): number[] => Array.from(values).slice(0, count);
  return {
    ...rest,
    candidates: candidates.slice(0, count),
    sources: sources.map(({ source, scores, ranks }) => ({ source, scores: first(scores), ranks: first(ranks) })),
  };
}
