import type { Filter } from "#libs/pipeline/pipeline.ts";
import type { GatewayQuery } from "../query.ts";

/** Keeps what passes the request's own filter: categories, attributes, price. Sources honour it already; a stale one may not. */
export const requested: Filter<GatewayQuery> = {
  name: "requested",
  keep: ({ filter, release }) => {
    const allowed = release.allowed(filter);
    return allowed === null ? null : (item) => allowed.mask[item] === 1;
  },
};
