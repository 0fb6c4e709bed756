/** Interactions written by hand. */

import type { Interactions } from "#libs/data/interactions.ts";
import { eventCode } from "#libs/events/event.ts";

/** Seconds since 1970 UTC; `eventCode` value, a purchase when left out. */
export type WrittenEvent = readonly [item: number, timeSeconds: number, code?: number];

/** Events by user, each user's ascending by time; `value` is the price paid for each. */
export function interactionsOf(users: readonly (readonly WrittenEvent[])[], itemCount: number, value = 0): Interactions {
  const all = users.flat();
  const offsets = new Int32Array(users.length + 1);
  users.forEach((user, u) => {
    offsets[u + 1] = offsets[u]! + user.length;
  });
  return {
    userCount: users.length,
    itemCount,
    offsets,
    items: Int32Array.from(all, ([item]) => item),
    times: Uint32Array.from(all, ([, time]) => time),
    types: Uint8Array.from(all, ([, , code]) => code ?? eventCode.purchase),
    values: new Float32Array(all.length).fill(value),
  };
}
