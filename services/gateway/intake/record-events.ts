/** Accepts events: every one has its own result, and an accepted one is durable before its caller hears of it. */

import { randomUUID } from "node:crypto";
import { type EventBus, topics } from "#libs/bus/bus.ts";
import { invalid } from "#libs/core/errors.ts";
import { eventTypeFromProto } from "#libs/events/codec.ts";
import type { Event } from "#libs/events/event.ts";
import { eventBatchMax } from "#libs/events/limits.ts";
import { eventRecord } from "#libs/events/log-entry.ts";
import { eventProblem } from "#libs/events/validate.ts";
import { traceHeaders } from "#libs/telemetry/trace-context.ts";
import type { EventResult, RecordEventsResponse } from "#protos/recommender.ts";
import type { Event as EventMessage } from "#protos/types.ts";
import type { GatewayRelease } from "../release.ts";

interface Admitted {
  readonly result: EventResult;
  readonly event: Event | null;
}

function admitEvent(message: EventMessage, release: GatewayRelease, nowSeconds: number): Admitted {
  const event = {
    ...message,
    eventId: message.eventId === "" ? randomUUID() : message.eventId,
    type: eventTypeFromProto(message.type),
    timeSeconds: message.timeSeconds === 0 ? Math.floor(nowSeconds) : message.timeSeconds,
    quantity: message.quantity === 0 ? 1 : message.quantity,
  };
  const problem = eventProblem(event, { nowSeconds, knowsItem: (id) => release.catalog.indexOf.has(id) });
  if (problem) return { result: { eventId: message.eventId, accepted: false, ...problem }, event: null };
  return { result: { eventId: event.eventId, accepted: true, reason: "", message: "" }, event: event as Event };
}

/** Throws `invalid_argument` for an empty or too large batch; whatever the bus throws when it cannot take the events. */
export async function recordEvents(
  events: readonly EventMessage[],
  release: GatewayRelease,
  nowSeconds: number,
  bus: EventBus,
): Promise<RecordEventsResponse> {
  if (events.length === 0) throw invalid("events", "needs at least one event");
  if (events.length > eventBatchMax)
    throw invalid("events", `has ${events.length} entries, at most ${eventBatchMax} are taken`, "batch_too_large");
  const headers = traceHeaders();
  const admitted = events.map((message) => admitEvent(message, release, nowSeconds));
  const accepted = admitted.flatMap(({ event }) => (event ? [event] : []));
  await bus.publish(
    topics.events,
    accepted.map((event) => eventRecord(event, headers)),
    { untilApplied: true },
  );
  return { results: admitted.map(({ result }) => result), accepted: accepted.length };
}
