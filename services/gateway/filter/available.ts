import { isAvailable } from "#libs/catalog/availability.ts";
import type { Filter } from "#libs/pipeline/pipeline.ts";
import type { GatewayQuery } from "../query.ts";

/** Keeps what the shop says that it sells; where it says nothing, what it can be assumed to: at the end of the release's data, or because it sold since. */
export const available: Filter<GatewayQuery> = {
  name: "available",
  keep: ({ release: { catalog, soldSince } }) => {
    const sold = soldSince();
    const { availability } = catalog;
    return (item) => {
      const word = availability === null ? 0 : availability[item]!;
      return word === 0 ? isAvailable(catalog, item, catalog.endSeconds, "serving") || sold.has(item) : word > 0;
    };
  },
};
