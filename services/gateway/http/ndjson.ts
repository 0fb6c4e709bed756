/** Events as lines of JSON: for producers that have many at a time. A line that is none has a result of its own, as every event has. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import { invalid } from "#libs/core/errors.ts";
import { eventMessageFromText } from "#libs/events/json.ts";
import { eventBatchMax } from "#libs/events/limits.ts";
import type { CallOptions, Client } from "#libs/rpc/definition.ts";
import type { EventResult, RecommenderDefinition, RecordEventsResponse } from "#protos/recommender.ts";
import type { Event as EventMessage } from "#protos/types.ts";

export const ndjsonType = "application/x-ndjson";
/** Largest body of lines, in bytes. */
export const ndjsonBytesMax = 8 << 20;

const linesKey = Symbol("lines");

/** The lines of a request's body that are not empty; undefined where it came as JSON. */
export const linesOf = (request: FastifyRequest): readonly string[] | undefined =>
  request.getDecorator<readonly string[] | undefined>(linesKey);

/** Lines are validated one by one: the body that the route's schema sees is an empty batch. */
export function addNdjson(app: FastifyInstance): void {
  app.decorateRequest(linesKey, undefined);
  app.addContentTypeParser(ndjsonType, { parseAs: "string", bodyLimit: ndjsonBytesMax }, (request, body, done) => {
    const lines = (body as string).split("\n").filter((line) => line.trim() !== "");
    request.setDecorator(linesKey, lines);
    done(null, { events: [] });
  });
}

function read(text: string, line: number): { readonly message: EventMessage } | { readonly refused: EventResult } {
  try {
    return { message: eventMessageFromText(text) };
  } catch (cause) {
    const message = `line ${line}: ${(cause as Error).message}`;
    return { refused: { eventId: "", accepted: false, reason: "bad_line", message } };
  }
}

/** Batch after batch, so that a body costs no more memory than it has bytes; one result a line that is not empty. */
export async function recordLines(
  texts: readonly string[],
  client: Pick<Client<typeof RecommenderDefinition>, "recordEvents">,
  options: CallOptions,
): Promise<RecordEventsResponse> {
  if (texts.length === 0) throw invalid("events", "needs at least one event");
  const results: EventResult[] = [];
  let accepted = 0;
  for (let from = 0; from < texts.length; from += eventBatchMax) {
    const lines = texts.slice(from, from + eventBatchMax).map((text, i) => read(text, from + i + 1));
    const events = lines.flatMap((line) => ("message" in line ? [line.message] : []));
    const answered = events.length === 0 ? { results: [], accepted: 0 } : await client.recordEvents({ events }, options);
    const left = answered.results.values();
    for (const line of lines) results.push("refused" in line ? line.refused : (left.next().value as EventResult));
    accepted += answered.accepted;
  }
  return { results, accepted };
}
