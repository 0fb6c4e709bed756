/** W3C Trace Context (https://www.w3.org/TR/trace-context/, level 1) to and from headers of HTTP, gRPC, local calls and Kafka. */

import { type Context, isSpanContextValid, trace } from "@opentelemetry/api";
import { activeContext } from "./active.ts";

export const traceparentHeader = "traceparent";

const traceparentPattern = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** The `traceparent` of the span in `within`; undefined when there is none. Vendor state (`tracestate`) is not carried. */
export function toTraceparent(within: Context): string | undefined {
  const span = trace.getSpanContext(within);
  if (span === undefined || !isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 1}`;
}

/** `within` with the remote parent that `traceparent` names; unchanged when it is absent or malformed. */
export function fromTraceparent(within: Context, traceparent: string | undefined): Context {
  if (traceparent === undefined) return within;
  const match = traceparentPattern.exec(traceparent);
  if (match === null) return within;
  const [, traceId = "", spanId = "", flags = "00"] = match;
  const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(remote) ? trace.setSpanContext(within, remote) : within;
}

/** The headers that carry the trace of the running code; none outside of any. */
export function traceHeaders(): Record<string, string> {
  const traceparent = toTraceparent(activeContext());
  return traceparent === undefined ? {} : { [traceparentHeader]: traceparent };
}
