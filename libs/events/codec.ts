/** Domain events and histories to and from the contract's messages. */

import { type EventColumns as EventColumnsMessage, Event as EventMessage, type EventType } from "#protos/types.ts";
import { type Event, emptyHistory, eventCode, eventTypes, type History } from "./event.ts";

/** Null for a type that this code does not know. */
export function eventTypeFromProto(type: EventType): Event["type"] | null {
  const name: (typeof eventTypes)[number] | undefined = (eventTypes as readonly (typeof eventTypes)[number][])[type];
  return name === undefined || name === "unspecified" ? null : name;
}

export function eventToProto(event: Event): EventMessage {
  return { ...event, type: eventCode[event.type] as EventType, timeSeconds: Math.floor(event.timeSeconds) };
}

/** Null when the type is not one of ours. */
export function eventFromProto(message: EventMessage): Event | null {
  const type = eventTypeFromProto(message.type);
  return type === null ? null : { ...message, type };
}

export function encodeEvent(event: Event): Uint8Array {
  return EventMessage.encode(eventToProto(event)).finish();
}

/** Throws what the protobuf library throws on bytes that are no event; null when the type is not one of ours. */
export function decodeEvent(bytes: Uint8Array): Event | null {
  return eventFromProto(EventMessage.decode(bytes));
}

export function historyToProto(history: History): EventColumnsMessage {
  return {
    itemIds: history.itemIds as string[],
    types: history.types as EventType[],
    timesSeconds: history.timesSeconds as number[],
    values: history.values as number[],
  };
}

/** Columns of unequal length are cut to the shortest. */
export function historyFromProto(message: EventColumnsMessage | undefined): History {
  if (!message) return emptyHistory;
  const { itemIds, types, timesSeconds, values } = message;
  const length = Math.min(itemIds.length, types.length, timesSeconds.length);
  return {
    itemIds: itemIds.slice(0, length),
    types: types.slice(0, length),
    timesSeconds: timesSeconds.slice(0, length),
    values: itemIds.slice(0, length).map((_, i) => values[i] ?? 0),
  };
}
