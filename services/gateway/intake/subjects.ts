/** What concerns a subject as a whole: a login, and being forgotten. Both are records of the log, in their place among the events. */

import { randomUUID } from "node:crypto";
import { type EventBus, topics } from "#libs/bus/bus.ts";
import { invalid } from "#libs/core/errors.ts";
import { idBytesMax, idProblem } from "#libs/events/limits.ts";
import { eraseRecord, mergeRecord } from "#libs/events/log-entry.ts";
import { traceHeaders } from "#libs/telemetry/trace-context.ts";
import type { EraseUserRequest, EraseUserResponse, MergeSessionRequest, MergeSessionResponse } from "#protos/recommender.ts";

function check(field: string, id: string): void {
  const problem = idProblem(id);
  if (problem) throw invalid(field, problem);
}

/** Throws `invalid_argument` naming the field; what the bus throws when it cannot take the record. */
export async function mergeSession(
  { sessionId, userId }: MergeSessionRequest,
  nowSeconds: number,
  bus: Pick<EventBus, "publish">,
): Promise<MergeSessionResponse> {
  check("session_id", sessionId);
  check("user_id", userId);
  const session = `session:${sessionId}`;
  if (idProblem(session)) throw invalid("session_id", `is longer than ${idBytesMax} bytes with "session:" before it`);
  if (userId.startsWith("session:")) throw invalid("user_id", "names a session");
  const merge = { session, user: userId, timeSeconds: Math.floor(nowSeconds) };
  await bus.publish(topics.events, [mergeRecord(merge, traceHeaders())], { untilApplied: true });
  return {};
}

/** A UUID of version 7 (RFC 9562, section 5.7): in order of time as text, so that stores tell which erasure is the later one. */
function timeOrderedId(nowMs: number): string {
  const time = Math.floor(nowMs).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/**
 * @param wallSeconds by the wall clock, with fractions: of two erasures the later is told by it.
 * @param keyOf the stores' key of a subject: the record tells nobody who it was.
 * Throws `invalid_argument` naming the field; what the bus throws when it cannot take the record.
 */
export async function eraseUser(
  { subject }: EraseUserRequest,
  { nowSeconds, wallSeconds }: { readonly nowSeconds: number; readonly wallSeconds: number },
  bus: Pick<EventBus, "publishToAll">,
  keyOf: (subject: string) => string,
): Promise<EraseUserResponse> {
  check("subject", subject);
  const erase = { eraseId: timeOrderedId(wallSeconds * 1000), subjectKey: keyOf(subject), timeSeconds: Math.floor(nowSeconds) };
  const headers = traceHeaders();
  await bus.publishToAll(topics.events, (partitions) => eraseRecord({ ...erase, partitions: [...partitions] }, headers), {
    untilApplied: true,
  });
  return { eraseId: erase.eraseId };
}
