import { eventCode } from "#libs/events/event.ts";
import type { Filter } from "#libs/pipeline/pipeline.ts";
import type { GatewayQuery } from "../query.ts";

/** Drops what the subject said it does not want, until it takes that back or likes it. */
export const disliked: Filter<GatewayQuery> = {
  name: "disliked",
  keep: ({ history, release: { catalog } }) => {
    const unwanted = new Set<number | undefined>();
    history.itemIds.forEach((id, i) => {
      const type = history.types[i];
      if (type === eventCode.dislike) unwanted.add(catalog.indexOf.get(id));
      else if (type === eventCode.like || type === eventCode.remove) unwanted.delete(catalog.indexOf.get(id));
    });
    return unwanted.size === 0 ? null : (item) => !unwanted.has(item);
  },
};
