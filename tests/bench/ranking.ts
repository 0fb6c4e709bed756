/** Ranking 500 candidates with their features, and each source alone, in this process without any transport. */

import { type Bench, type BenchContext, type Figures, lower, quantile, sortedOf } from "./bench.ts";
import { benchQuery, benchUsers, openRelease } from "./loaded-release.ts";

const candidates = 500;
const userCount = 300;
const rounds = 5;

async function rankingFigures({ home, data, say }: BenchContext): Promise<Figures> {
  const release = await openRelease(home);
  const { ranker, artifact, sources } = release;
  const users = await benchUsers(home, release, userCount);
  const retrieving = new Map<string, number[]>(sources.map(({ name }) => [name, []]));
  const ranking: number[] = [];
  let ranked = 0;
  for (let round = 0; round < rounds; round++) {
    for (const user of users) {
      for (const source of sources) {
        const startedMs = performance.now();
        source.source.retrieve(source.artifact, { ...user, limit: 100, seeds: new Int32Array(0), allowed: null });
        if (round > 0) retrieving.get(source.name)!.push(performance.now() - startedMs);
      }
      const query = benchQuery(user, release, candidates, "serving");
      const startedMs = performance.now();
      await ranker.score(artifact, query);
      // The first round is the compiler's.
      if (round === 0) continue;
      ranking.push(performance.now() - startedMs);
      ranked += query.candidates.length;
    }
  }
  say(`${(ranked / ranking.length).toFixed(0)} candidates a request on average`);
  const sorted = sortedOf(ranking);
  const prefix = `${data}.${ranker.model(artifact)}.rank-500`;
  const figures: Figures = {
    [`${prefix}.p50`]: lower(quantile(sorted, 0.5), "ms", 2),
    [`${prefix}.p99`]: lower(quantile(sorted, 0.99), "ms"),
  };
  for (const [name, times] of retrieving) {
    figures[`${data}.${name}.retrieve-100.p50`] = lower(quantile(sortedOf(times), 0.5), "ms", 2);
    figures[`${data}.${name}.retrieve-100.p99`] = lower(quantile(sortedOf(times), 0.99), "ms");
  }
  await release.close();
  return figures;
}

export const ranking: Bench = {
  name: "ranking",
  about: "features and scores of 500 candidates, and each source alone",
  run: rankingFigures,
};
