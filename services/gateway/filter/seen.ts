import { eventCode } from "#libs/events/event.ts";
import type { Filter } from "#libs/pipeline/pipeline.ts";
import type { SeenPolicy } from "#libs/pipeline/surfaces.ts";
import type { GatewayQuery } from "../query.ts";

/** Event codes that hide an item, by policy. */
const hides: Readonly<Record<SeenPolicy, readonly number[]>> = {
  keep: [],
  drop_bought: [eventCode.purchase],
  drop_touched: [eventCode.purchase, eventCode.cart, eventCode.view],
};

/** Drops what the subject has already met, as far as the surface asks for it. */
export const seen: Filter<GatewayQuery> = {
  name: "seen",
  keep: ({ surface, history, seedItemIds, release: { catalog } }) => {
    const codes = hides[surface.seen];
    const hidden = new Set<number | undefined>(seedItemIds.map((id) => catalog.indexOf.get(id)));
    history.itemIds.forEach((id, i) => {
      if (codes.includes(history.types[i]!)) hidden.add(catalog.indexOf.get(id));
    });
    return hidden.size === 0 ? null : (item) => !hidden.has(item);
  },
};
