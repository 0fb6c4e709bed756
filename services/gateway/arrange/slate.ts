import { arrange } from "#libs/pipeline/arrange.ts";
import type { Arranger } from "#libs/pipeline/pipeline.ts";
import type { GatewayQuery } from "../query.ts";

/** Caps and diversity as the surface asks for them. */
export const slate: Arranger<GatewayQuery> = {
  name: "slate",
  arrange: (query, candidates, _scores, order, limit) =>
    arrange(candidates.items, query.release.traits, order, limit, query.surface.arrange),
};
