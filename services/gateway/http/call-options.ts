/** What an HTTP request hands on to the call that answers it: cancellation, deadline and key. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { invalid } from "#libs/core/errors.ts";
import type { CallOptions } from "#libs/rpc/definition.ts";

/** Milliseconds that the caller waits; the gateway's own default when absent. */
export const timeoutHeader = "x-modiste-timeout-ms";

/** Longest wait that a caller may ask for. */
const timeoutMsMax = 60_000;

function timeoutOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const timeoutMs = Number(header);
  if (!(timeoutMs > 0 && timeoutMs <= timeoutMsMax))
    throw invalid(timeoutHeader, `must be milliseconds, above 0 and at most ${timeoutMsMax}`);
  return timeoutMs;
}

/**
 * Aborts when the caller leaves before the answer. The response says so itself: it closes once, with or without an answer, while its
 * socket lives on for the next request and would gather a listener each time.
 */
function callerLeaves({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController();
  raw.once("close", () => {
    if (!raw.writableFinished) left.abort();
  });
  return left.signal;
}

/**
 * The caller's own key goes on, an empty one when it gave none: never the key that this gateway has for its own calls.
 */
export function callOptions(request: FastifyRequest, reply: FastifyReply): CallOptions {
  const { authorization = "" } = request.headers;
  return { signal: callerLeaves(reply), timeoutMs: timeoutOf(request.headers[timeoutHeader]), metadata: { authorization } };
}
