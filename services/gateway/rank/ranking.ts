/** Orders candidates by the ranking service; without it, or where nothing personal is asked, by fusion of the sources' ranks. */

import { ModisteError } from "#libs/core/errors.ts";
import { historyToProto } from "#libs/events/codec.ts";
import { latestHistory } from "#libs/events/event.ts";
import { fuseRanks } from "#libs/pipeline/fusion.ts";
import type { CandidateTable, Scorer } from "#libs/pipeline/pipeline.ts";
import type { Client } from "#libs/rpc/definition.ts";
import { sunkScore } from "#libs/serve/ranker.ts";
import type { FeatureRows, RankerDefinition, RankRequest } from "#protos/ranker.ts";
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
    featureRows: query.featureRows,
    contributionRows: 0,
  };
}

/** What the ranking service told beside its scores. */
export interface RankingNote {
  readonly model: string;
  /** As it went out, for the record of the answer. */
  readonly request: RankRequest;
  /** Absent where none were asked for. */
  readonly features: FeatureRows | undefined;
}

export function rankingScorer(client: Client<typeof RankerDefinition>): Scorer<GatewayQuery, RankingNote> {
  return {
    name: "ranking",
    // For others than a person there is nothing to rank by.
    applies: ({ kind }) => kind === "recommend",
    score: async (query, candidates, { signal }) => {
      const request = requestFor(query, candidates);
      const { scores, model, features } = await client.rank(request, { signal });
      // What a peer sends is no invariant of ours: wrong columns make the ranker count as missing.
      if (scores.length !== candidates.items.length) {
        throw new ModisteError(
          "internal",
          "wrong_score_count",
          `ranking gave ${scores.length} scores for ${candidates.items.length} candidates`,
        );
      }
      const kept = Float64Array.from(scores, (score) => (score > sunkScore ? score : Number.NEGATIVE_INFINITY));
      return { scores: kept, note: { model, request, features } };
    },
    // The weights were learned on personal requests; for other kinds every source counts alike.
    fallback: (query, candidates) => fuseRanks(candidates, query.kind === "recommend" ? query.release.part.fusion : {}),
  };
}
