/** Whether an event may be accepted. */

import { secondsPerDay } from "#libs/core/clock.ts";
import type { Event } from "./event.ts";
import { aheadSecondsMax, idProblem } from "./limits.ts";

/** An event is refused when it lies further back than this, in seconds. */
const behindMax = 400 * secondsPerDay;

export interface EventProblem {
  /** A stable word, such as "unknown_item". */
  readonly reason: string;
  /** For a person; names the field. */
  readonly message: string;
}

export interface EventRules {
  readonly nowSeconds: number;
  readonly knowsItem: (itemId: string) => boolean;
}

/** `type` null stands for a type that is not one of ours. Answers null when the event may be accepted. */
export function eventProblem(event: Omit<Event, "type"> & { readonly type: Event["type"] | null }, rules: EventRules): EventProblem | null {
  const ids = [
    ["event_id", event.eventId, true, "event_id"],
    ["subject", event.subject, false, "no_subject"],
    ["item_id", event.itemId, false, "no_item"],
    ["surface", event.surface, true, "surface"],
    ["recommendation_id", event.recommendationId, true, "recommendation_id"],
  ] as const;
  for (const [field, text, optional, reason] of ids) {
    const problem = idProblem(text, { optional });
    if (problem) return { reason: text === "" ? reason : `bad_${field}`, message: `${field} ${problem}` };
  }
  if (event.subject === "session:") return { reason: "no_subject", message: "subject names a session without an id" };
  if (event.type === null) return { reason: "unknown_type", message: "type is not one of view, cart, purchase, like, dislike, remove" };
  if (!Number.isFinite(event.value) || event.value < 0) return { reason: "bad_value", message: "value must be a number of 0 or more" };
  if (event.timeSeconds > rules.nowSeconds + aheadSecondsMax) return { reason: "time_ahead", message: "time is more than a day ahead" };
  if (event.timeSeconds < rules.nowSeconds - behindMax) return { reason: "time_behind", message: "time is more than 400 days back" };
  if (!rules.knowsItem(event.itemId)) return { reason: "unknown_item", message: "item_id is not in the catalogue" };
  return null;
}
