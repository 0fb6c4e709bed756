import type { Filter } from "#libs/pipeline/pipeline.ts";
import type { GatewayQuery } from "../query.ts";

/** Drops what a rule of the shop hides; stronger than any pin. */
export const hidden: Filter<GatewayQuery> = {
  name: "hidden",
  keep: ({ rules: { hides } }) => (hides.length === 0 ? null : (item) => !hides.some((hides) => hides(item))),
};
