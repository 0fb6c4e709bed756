/** Events of requests as messages. */

import { eventFromJson, eventMessageFromText, type JsonEvent } from "#libs/events/json.ts";
import type { Event as EventMessage } from "#protos/types.ts";

/**
 * The wire carries whole seconds and its 0 says "now". A fraction of the first second of 1970 must not come to say that: it goes as the next
 * second, which is refused as too far back like every other instant of that day.
 */
const isFirstSecond = (time: unknown): boolean => typeof time === "number" && time > 0 && time < 1;

export const eventOfBody = (event: JsonEvent): EventMessage => eventFromJson(isFirstSecond(event.time) ? { ...event, time: 1 } : event);

/** Throws an Error naming the field when the line is no event. */
export function eventOfLine(line: string): EventMessage {
  const message = eventMessageFromText(line);
  if (message.timeSeconds !== 0) return message;
  const { time } = JSON.parse(line) as JsonEvent;
  return isFirstSecond(time) ? { ...message, timeSeconds: 1 } : message;
}
