/** What an HTTP request hands on to the call that answers it: cancellation, deadline, key and trace. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { invalid } from "#libs/core/errors.ts";
import type { CallOptions } from "#libs/rpc/definition.ts";
import { traceparentHeader } from "#libs/telemetry/trace-context.ts";

/** Milliseconds that the caller waits; the gateway's own default when absent. */
export const timeoutHeader = "x-modiste-timeout-ms";

function timeoutOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const timeoutMs = Number(header);
  if (!(timeoutMs > 0 && timeoutMs <= 60_000)) throw invalid(timeoutHeader, "must be milliseconds, above 0 and at most 60000");
  return timeoutMs;
}

export function callOptions(request: FastifyRequest, reply: FastifyReply): CallOptions {
  const left = new AbortController();
  // An answer that closes before it is written is a caller that left. Not the socket: with keep-alive it outlives its requests.
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) left.abort();
  });
  const { authorization } = request.headers;
  const traceparent = request.headers[traceparentHeader];
  return {
    signal: left.signal,
    timeoutMs: timeoutOf(request.headers[timeoutHeader]),
    metadata: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(typeof traceparent === "string" ? { [traceparentHeader]: traceparent } : {}),
    },
  };
}
