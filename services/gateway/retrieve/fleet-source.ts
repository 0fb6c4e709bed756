/** A candidate source of the fleet, behind CandidateSource.Generate. */

import { historyToProto } from "#libs/events/codec.ts";
import { latestHistory } from "#libs/events/event.ts";
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
    events: historyToProto(latestHistory(query.history)),
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
  const { itemIds, scores, reasonIndexes, becauseItemIds } = response;
  const items = new Int32Array(itemIds.length);
  const places = new Int32Array(itemIds.length);
  let known = 0;
  for (let i = 0; i < itemIds.length; i++) {
    const item = indexOf.get(itemIds[i]!);
    if (item === undefined) continue;
    items[known] = item;
    places[known++] = i;
  }
  const answer = { release: response.release, reasonWords: response.reasons, pinned: response.release === query.release.manifest.id };
  const aligned = [scores, reasonIndexes, becauseItemIds].every(({ length }) => length === known);
  // Nearly always: every item is known, and the columns can stay as they are.
  if (known === itemIds.length && aligned) return { ...answer, items, scores, reasons: reasonIndexes, because: becauseItemIds };
  const kept = places.subarray(0, known);
  return {
    ...answer,
    items: items.subarray(0, known),
    scores: Float64Array.from(kept, (i) => scores[i] ?? 0),
    reasons: Int32Array.from(kept, (i) => reasonIndexes[i] ?? 0),
    because: Array.from(kept, (i) => becauseItemIds[i] ?? ""),
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
