/** A candidate source of the fleet, behind CandidateSource.Generate. */

import { historyToProto } from "#libs/events/codec.ts";
import type { Source, SourceAnswer } from "#libs/pipeline/pipeline.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { CandidateSourceDefinition, GenerateRequest, GenerateResponse } from "#protos/candidate_source.ts";
import type { GatewayQuery } from "../query.ts";

export interface FleetSourceOptions {
  readonly name: string;
  readonly budgetMs: number;
  /** Candidates to ask for where the release has learned no quota. */
  readonly quota: number;
  /** Kinds of request that the source has something to say to. */
  readonly serves: readonly GatewayQuery["kind"][];
  readonly client: Client<typeof CandidateSourceDefinition>;
}

/** Candidates asked for to find `limit` items after filters, when one source must fill the list nearly alone. */
const singleSourceFactor = 3;
const limitMax = 1000;

function requestFor(query: GatewayQuery, name: string, quota: number): GenerateRequest {
  const learned = query.release.part.quotas[name] ?? quota;
  const limit = query.kind === "recommend" ? Math.max(learned, query.limit * 2) : query.limit * singleSourceFactor + 20;
  return {
    release: query.release.manifest.id,
    limit: Math.min(limitMax, limit),
    nowSeconds: Math.floor(query.nowSeconds),
    events: historyToProto(query.history),
    user: { known: query.knowledge === "known", attributes: Object.fromEntries(query.attributes) },
    filter: {
      categories: [...query.filter.categories],
      attributes: query.filter.attributes.map(({ attribute, values }) => ({ attribute, values: [...values] })),
      priceMin: query.filter.priceMin,
      priceMax: query.filter.priceMax,
    },
    seedItemIds: [...query.seedItemIds],
  };
}

/** Into the pinned release's indexes; items that it does not know are left out. */
function toAnswer(response: GenerateResponse, query: GatewayQuery): SourceAnswer {
  const { indexOf } = query.release.catalog;
  const known: number[] = [];
  const items: number[] = [];
  response.itemIds.forEach((id, i) => {
    const item = indexOf.get(id);
    if (item === undefined) return;
    known.push(i);
    items.push(item);
  });
  return {
    release: response.release,
    items: Int32Array.from(items),
    scores: known.map((i) => response.scores[i] ?? 0),
    reasons: known.map((i) => response.reasonIndexes[i] ?? 0),
    reasonWords: response.reasons,
    because: known.map((i) => response.becauseItemIds[i] ?? ""),
    pinned: response.release === query.release.manifest.id,
  };
}

export function fleetSource(options: FleetSourceOptions): Source<GatewayQuery> {
  const { name, budgetMs, quota, serves, client } = options;
  return {
    name,
    budgetMs,
    applies: (query) => serves.includes(query.kind),
    retrieve: async (query, { signal }) => toAnswer(await client.generate(requestFor(query, name, quota), { signal }), query),
  };
}
