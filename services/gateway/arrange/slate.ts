import { arrange } from "#libs/pipeline/arrange.ts";
import type { Arranger } from "#libs/pipeline/pipeline.ts";
import type { GatewayQuery } from "../query.ts";
import { insertPins, placePins } from "./pins.ts";

/** Caps and diversity as the surface asks for them, around the pins: these count for the caps, which never drop them. */
export const slate: Arranger<GatewayQuery> = {
  name: "slate",
  arrange: ({ rules, release: { traits }, surface }, { items, sources }, _scores, order, limit) => {
    const placed = placePins(rules.pins, items, limit);
    if (placed.length === 0) return arrange(items, traits, order, limit, surface.arrange);
    const pinned = new Set(placed.map(({ candidate }) => candidate));
    const brought = new Set(rules.pins.map(({ item }) => item));
    // What only a pin brought in, and found no place as one, has nothing to say for itself.
    const named = (position: number): boolean => !brought.has(items[position]!) || sources.some(({ ranks }) => ranks[position]! > 0);
    const others = order.filter((position) => !pinned.has(position) && named(position));
    const listed = placed.map(({ item }) => item);
    return insertPins(arrange(items, traits, others, limit - placed.length, surface.arrange, listed), placed);
  },
};
