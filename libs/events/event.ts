/** What a subject does with an item, and a subject's history as columns. */

/** In the order of the proto's EventType; the index is the code inside typed arrays. */
export const eventTypes = ["unspecified", "view", "cart", "purchase", "like", "dislike", "remove"] as const;

export type EventType = Exclude<(typeof eventTypes)[number], "unspecified">;

/** Codes as they stand in `types` columns of typed arrays, data sets and protos alike. */
export const eventCode = { view: 1, cart: 2, purchase: 3, like: 4, dislike: 5, remove: 6 } as const satisfies Record<EventType, number>;

export interface Event {
  readonly eventId: string;
  /** A user id or "session:<id>". */
  readonly subject: string;
  readonly itemId: string;
  readonly type: EventType;
  /** Seconds since 1970 UTC. */
  readonly timeSeconds: number;
  /** Price paid for one piece; 0 when it is not known. */
  readonly value: number;
  readonly quantity: number;
  readonly surface: string;
  readonly recommendationId: string;
  readonly position: number;
}

/** Events of one subject as columns of equal length, ascending by time. */
export interface History {
  /** External ids. */
  readonly itemIds: readonly string[];
  /** `eventCode` values. */
  readonly types: readonly number[];
  /** Seconds since 1970 UTC. */
  readonly timesSeconds: readonly number[];
  readonly values: readonly number[];
}

/** Latest events of a subject that sources and ranker see, in training as in serving. */
export const historyMax = 200;

/** The latest `historyMax` events. */
export function latestHistory(history: History): History {
  if (history.itemIds.length <= historyMax) return history;
  return {
    itemIds: history.itemIds.slice(-historyMax),
    types: history.types.slice(-historyMax),
    timesSeconds: history.timesSeconds.slice(-historyMax),
    values: history.values.slice(-historyMax),
  };
}

export const emptyHistory: History = { itemIds: [], types: [], timesSeconds: [], values: [] };
