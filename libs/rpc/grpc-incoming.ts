/** A call as grpc-js hands it over, in the seam's terms, and the seam's errors in grpc-js' terms. */

import { Metadata, type ServerReadableStream, type ServerUnaryCall } from "@grpc/grpc-js";
import { codeTraits, toModisteError } from "#libs/core/errors.ts";
import { cancelled, deadlineExceeded, nowMs } from "./call.ts";
import { fieldHeader, headerValue, reasonHeader } from "./errors.ts";
import type { IncomingCall } from "./serve-call.ts";

/** A caller that leaves this shortly before its deadline as we count it left because of it: our clock started when the call arrived. */
const lateSlackMs = 25;

export function incomingCall(call: ServerUnaryCall<unknown, unknown> | ServerReadableStream<unknown, unknown>, path: string): IncomingCall {
  const controller = new AbortController();
  const deadline = toEpochMs(call.getDeadline());
  const leave = (): void =>
    controller.abort(deadline !== undefined && nowMs() >= deadline - lateSlackMs ? deadlineExceeded(path) : cancelled(path));
  if (call.cancelled) leave();
  else call.once("cancelled", leave);
  const metadata = new Map(Object.entries(call.metadata.getMap()).map(([name, value]) => [name, value.toString()]));
  return { metadata, deadline, signal: controller.signal };
}

/** grpc-js answers Infinity where a call has no deadline. */
function toEpochMs(deadline: Date | number): number | undefined {
  const instant = Number(deadline);
  return Number.isFinite(instant) ? instant : undefined;
}

export function toStatus(thrown: unknown): { code: number; details: string; metadata: Metadata } {
  const error = toModisteError(thrown);
  const metadata = new Metadata();
  metadata.set(reasonHeader, headerValue(error.reason));
  if (error.field !== undefined) metadata.set(fieldHeader, headerValue(error.field));
  return { code: codeTraits[error.code].grpc, details: error.detail, metadata };
}
