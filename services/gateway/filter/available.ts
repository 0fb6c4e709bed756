import { isAvailable } from "#libs/catalog/availability.ts";
import type { Filter } from "#libs/pipeline/pipeline.ts";
import type { GatewayQuery } from "../query.ts";

/** Keeps what the shop can be assumed to sell: at the end of the release's data, or because it sold since. */
export const available: Filter<GatewayQuery> = {
  name: "available",
  keep: ({ release: { catalog, soldSince } }) => {
    const sold = soldSince();
    return (item) => isAvailable(catalog, item, catalog.endSeconds, "serving") || sold.has(item);
  },
};
