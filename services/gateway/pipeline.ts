/** The declaration of the pipeline: what runs, in which order. A new stage is its file, its test and a line here. */

import { ModisteError } from "#libs/core/errors.ts";
import type { Pipeline, Source, SourceAnswer } from "#libs/pipeline/pipeline.ts";
import { createRankPace } from "#libs/pipeline/rank-pace.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { ProfilesDefinition } from "#protos/profiles.ts";
import type { RankerDefinition } from "#protos/ranker.ts";
import { boosts } from "./arrange/boosts.ts";
import { slate } from "./arrange/slate.ts";
import { available } from "./filter/available.ts";
import { disliked } from "./filter/disliked.ts";
import { hidden } from "./filter/hidden.ts";
import { requested } from "./filter/requested.ts";
import { seen } from "./filter/seen.ts";
import { hydrateProfile } from "./hydrate/profile.ts";
import { hydrateRules } from "./hydrate/rules.ts";
import type { GatewayQuery } from "./query.ts";
import { type RankingNote, rankingScorer } from "./rank/ranking.ts";
import type { RuleBook } from "./rules/rule-book.ts";

export interface PipelineClients {
  readonly profiles: Client<typeof ProfilesDefinition>;
  readonly ranker: Client<typeof RankerDefinition>;
  readonly sources: readonly Source<GatewayQuery>[];
  readonly rules: Pick<RuleBook, "match">;
  /** Most candidates of sources that are ranked. */
  readonly candidatesMax: number;
}

/** Pins whose place the list asked for has. */
const pinned = ({ rules, limit }: GatewayQuery): number[] => rules.pins.flatMap(({ item, position }) => (position <= limit ? [item] : []));

/** The release's own popular list, for when no source answers. */
function staticList({ release }: GatewayQuery): SourceAnswer {
  const { popular } = release.part;
  return {
    release: release.manifest.id,
    items: popular,
    scores: Array.from(popular, (_, place) => 1 / (place + 1)),
    reasons: new Uint8Array(popular.length),
    reasonWords: ["popular_static"],
    because: [],
    pinned: true,
  };
}

/** Also the whole pipeline's, but nobody outside of this process is asked: the release's own popular list under the filters, in a fraction of the time. */
export function defineShedPipeline(clients: PipelineClients): Pipeline<GatewayQuery, RankingNote> {
  const whole = definePipeline(clients);
  const refuse = (): Promise<never> =>
    Promise.reject(new ModisteError("resource_exhausted", "overloaded", "the gateway has more to do than it can in time"));
  return {
    ...whole,
    hydrators: [{ ...hydrateProfile(clients.profiles), hydrate: refuse }, hydrateRules(clients.rules)],
    sources: whole.sources.map((source) => ({ ...source, retrieve: refuse })),
  };
}

export function definePipeline({ profiles, ranker, sources, rules, candidatesMax }: PipelineClients): Pipeline<GatewayQuery, RankingNote> {
  return {
    hydrators: [hydrateProfile(profiles), hydrateRules(rules)],
    sources,
    lastResort: staticList,
    additions: pinned,
    filters: [available, requested, seen, disliked, hidden],
    scorer: rankingScorer(ranker),
    pace: createRankPace(),
    rescorers: [boosts],
    arranger: slate,
    candidatesMax,
  };
}
