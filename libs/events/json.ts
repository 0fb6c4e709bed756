/** An event as JSON, over HTTP, in files and on the bus alike: snake_case names, the type as a short word. */

import { z } from "zod";
import type { Event as EventMessage, EventType } from "#protos/types.ts";
import { eventFromProto } from "./codec.ts";
import { type Event, eventTypes } from "./event.ts";

export interface JsonEvent {
  readonly event_id?: string;
  readonly subject?: string;
  readonly user_id?: string;
  readonly session_id?: string;
  readonly item_id?: string;
  readonly type?: string;
  readonly time?: number;
  readonly value?: number;
  readonly quantity?: number;
  readonly surface?: string;
  readonly recommendation_id?: string;
  readonly position?: number;
}

/** Whole seconds that the wire can carry; what lies beyond is refused behind as too far ahead or back. */
const wholeSeconds = (time: number): number => Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Math.floor(time)));

/** `subject` may be given as `user_id` or `session_id`; an unknown type becomes UNSPECIFIED and is refused behind. */
export function eventFromJson(event: JsonEvent): EventMessage {
  const subject = event.subject ?? event.user_id ?? (event.session_id === undefined ? "" : `session:${event.session_id}`);
  return {
    eventId: event.event_id ?? "",
    subject,
    itemId: event.item_id ?? "",
    type: Math.max(0, (eventTypes as readonly string[]).indexOf(event.type ?? "")) as EventType,
    timeSeconds: wholeSeconds(event.time ?? 0),
    value: event.value ?? 0,
    quantity: event.quantity ?? 0,
    surface: event.surface ?? "",
    recommendationId: event.recommendation_id ?? "",
    position: event.position ?? 0,
  };
}

const whole = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);
const jsonEvent = z.strictObject({
  event_id: z.string().optional(),
  subject: z.string().optional(),
  user_id: z.string().optional(),
  session_id: z.string().optional(),
  item_id: z.string().optional(),
  type: z.string().optional(),
  time: z.number().optional(),
  value: z.number().optional(),
  quantity: whole.optional(),
  surface: z.string().optional(),
  recommendation_id: z.string().optional(),
  position: whole.optional(),
});

/** Throws an Error naming the field when the text is no event. A type that is not one of ours becomes UNSPECIFIED. */
export function eventMessageFromText(text: string): EventMessage {
  const read = jsonEvent.safeParse(JSON.parse(text));
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new Error(`${issue!.path.join(".") || "event"}: ${issue!.message}`);
  }
  return eventFromJson(read.data as JsonEvent);
}

/** The same; null when the type is not one of ours. */
export const eventFromJsonText = (text: string): Event | null => eventFromProto(eventMessageFromText(text));
