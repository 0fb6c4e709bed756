/** Orders candidates by the ranking service; without it, or where nothing personal is asked, by fusion of the sources' ranks. */

import { ModisteError } from "#libs/core/errors.ts";
import { historyToProto } from "#libs/events/codec.ts";
import { latestHistory } from "#libs/events/event.ts";
import { fuseRanks } from "#libs/pipeline/fusion.ts";
import type { CandidateTable, Scorer } from "#libs/pipeline/pipeline.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { RankerDefinition, RankRequest } from "#protos/ranker.ts";
import type { GatewayQuery } from "../query.ts";

function requestFor(query: GatewayQuery, candidates: CandidateTable): RankRequest {
  const { catalog, manifest } = query.release;
  return {
    release: manifest.id,
    nowSeconds: Math.floor(query.nowSeconds),
    itemIds: Array.from(candidates.items, (item) => catalog.ids[item]!),
    events: historyToProto(latestHistory(query.history)),
    user: { known: query.knowledge === "known", attributes: Object.fromEntries(query.attributes) },
    sources: candidates.sources.map(({ source, scores, ranks, pinned }) => ({
      source,
      scores: scores as unknown as number[],
      ranks: ranks as unknown as number[],
      pinned,
    })),
  };
}

export function rankingScorer(client: Client<typeof RankerDefinition>): Scorer<GatewayQuery> {
  // The weights were learned on personal requests; for other kinds every source counts alike.
  const fused = (query: GatewayQuery, candidates: CandidateTable): Float64Array =>
    fuseRanks(candidates, query.kind === "recommend" ? query.release.part.fusion : {});
  return {
    name: "ranking",
    score: async (query, candidates, { signal }) => {
      if (query.kind !== "recommend") return fused(query, candidates);
      const { scores } = await client.rank(requestFor(query, candidates), { signal });
      // What a peer sends is no invariant of ours: wrong columns make the ranker count as missing.
      if (scores.length !== candidates.items.length) {
        throw new ModisteError(
          "internal",
          "wrong_score_count",
          `ranking gave ${scores.length} scores for ${candidates.items.length} candidates`,
        );
      }
      return Float64Array.from(scores);
    },
    fallback: fused,
  };
}
