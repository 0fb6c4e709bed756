/** Ranking 500 candidates with their features, in this process without any transport. */

import { join } from "node:path";
import { openDataset } from "#libs/data/dataset.ts";
import { readCatalog } from "#libs/release/catalog-part.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { type LoadedSource, offlineCandidates, offlineUser, rankQuery } from "../../services/cli/training/offline.ts";
import { loadModels } from "../../services/fleet.ts";
import { type Bench, type BenchContext, type Figures, lower, quantile, sortedOf } from "./bench.ts";
import { dataFolder } from "./load.ts";

const candidates = 500;
const users = 300;
const rounds = 5;

async function rankingFigures({ home, data, say }: BenchContext): Promise<Figures> {
  const store = openFolderStore(join(home, "releases"));
  const manifest = await store.manifest((await store.current())!);
  const catalog = readCatalog(await store.part(manifest, "vocabulary"));
  const models = await loadModels();
  const sequence = await models.sequence.loadReleaseSequence(store, manifest, catalog);
  const ranker = await models.ranker.load({ part: await store.part(manifest, "ranking"), catalog, sequence });
  const sources: LoadedSource[] = [];
  for (const { name, source } of models.sources) {
    sources.push({ name, source, artifact: await source.load({ part: await store.part(manifest, name), catalog }) });
  }
  const dataset = await openDataset(await dataFolder(home));
  const interactions = await dataset.loadInteractions();
  const table = await dataset.loadUsers();
  dataset.close();
  const quotas = Object.fromEntries(sources.map(({ name }) => [name, 300]));
  const retrieving = new Map<string, number[]>(sources.map(({ name }) => [name, []]));
  const ranking: number[] = [];
  let ranked = 0;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < users; i++) {
      const user = offlineUser(interactions, table, Math.floor((i / users) * table.userCount), manifest.data.end_seconds);
      for (const source of sources) {
        const startedMs = performance.now();
        source.source.retrieve(source.artifact, { ...user, limit: 100, seeds: new Int32Array(0), allowed: null });
        if (round > 0) retrieving.get(source.name)!.push(performance.now() - startedMs);
      }
      const query = rankQuery(user, offlineCandidates(sources, user, catalog, quotas, candidates, { items: "serving", seen: "keep" }));
      const startedMs = performance.now();
      await models.ranker.score(ranker, query);
      // The first round is the compiler's.
      if (round === 0) continue;
      ranking.push(performance.now() - startedMs);
      ranked += query.candidates.length;
    }
  }
  say(`${(ranked / ranking.length).toFixed(0)} candidates a request on average`);
  const sorted = sortedOf(ranking);
  const prefix = `${data}.${models.ranker.model(ranker)}.rank-500`;
  const figures: Figures = {
    [`${prefix}.p50`]: lower(quantile(sorted, 0.5), "ms", 2),
    [`${prefix}.p99`]: lower(quantile(sorted, 0.99), "ms"),
  };
  for (const [name, times] of retrieving) {
    figures[`${data}.${name}.retrieve-100.p50`] = lower(quantile(sortedOf(times), 0.5), "ms", 2);
    figures[`${data}.${name}.retrieve-100.p99`] = lower(quantile(sortedOf(times), 0.99), "ms");
  }
  return figures;
}

export const ranking: Bench = {
  name: "ranking",
  about: "features and scores of 500 candidates, and each source alone",
  run: rankingFigures,
};
