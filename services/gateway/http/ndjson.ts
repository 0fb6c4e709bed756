/** Events as lines of JSON: for producers that have many at a time. A line that is none has a result of its own, as every event has. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { invalid } from "#libs/core/errors.ts";
import { eventBatchMax } from "#libs/events/limits.ts";
import type { CallOptions, Client } from "#libs/rpc/definition.ts";
import type { EventResult, RecommenderDefinition } from "#protos/recommender.ts";
import type { Event as EventMessage } from "#protos/types.ts";
import { eventOfLine } from "./event-json.ts";
import { toJson } from "./json.ts";

export const ndjsonType = "application/x-ndjson";
/** Largest body of lines, in bytes. */
export const ndjsonBytesMax = 8 << 20;
/** Most lines of a body, empty ones included: short lines cost far more than their bytes, each has a result. */
export const ndjsonLinesMax = 50_000;

/** Longest message of a line that is no event, in characters: names of unknown fields may be as long as the body. */
const messageCharsMax = 256;
const byteOrderMark = "\ufeff";
const newline = 0x0a;
const bodyKey = Symbol("body of lines");

/** The request's body of lines; undefined where it came as JSON. */
export const linesOf = (request: FastifyRequest): Buffer | undefined => request.getDecorator<Buffer | undefined>(bodyKey);

/**
 * For the routes of `app` that take lines, and no other. The body that the schema sees is an empty batch: lines are read by the handler, since
 * Fastify closes the connection when a parser refuses.
 */
export function addNdjson(app: FastifyInstance): void {
  app.decorateRequest(bodyKey, undefined);
  app.addContentTypeParser(ndjsonType, { parseAs: "buffer", bodyLimit: ndjsonBytesMax }, async (request: FastifyRequest, body: Buffer) => {
    request.setDecorator(bodyKey, body);
    return { events: [] };
  });
}

/** As they stand in the body, counted before any is made. Throws `batch_too_large` when there are more than may be. */
function readLines(body: Buffer): readonly string[] {
  let count = 0;
  for (let start = 0; start < body.length; count++) {
    if (count === ndjsonLinesMax)
      throw invalid("events", `the body has more than ${ndjsonLinesMax} lines, at most these are taken`, "batch_too_large");
    const end = body.indexOf(newline, start);
    start = end < 0 ? body.length : end + 1;
  }
  const text = body.toString();
  return (text.startsWith(byteOrderMark) ? text.slice(1) : text).split("\n");
}

function read(text: string, line: number): { readonly message: EventMessage } | { readonly refused: EventResult } {
  try {
    return { message: eventOfLine(text) };
  } catch (cause) {
    const message = `line ${line}: ${(cause as Error).message}`.slice(0, messageCharsMax);
    return { refused: { eventId: "", accepted: false, reason: "bad_line", message } };
  }
}

/**
 * Batch after batch; others have their turn between two of them, also when no line is an event and nothing is awaited.
 * Answers the JSON of `RecordEventsResponse`: one result a line that is not empty. Throws `batch_too_large`.
 */
export async function recordLines(
  body: Buffer,
  client: Pick<Client<typeof RecommenderDefinition>, "recordEvents">,
  options: CallOptions,
): Promise<Record<string, unknown>> {
  const lines = readLines(body);
  if (lines.every((line) => line.trim() === "")) throw invalid("events", "needs at least one event");
  const results: unknown[] = [];
  let accepted = 0;
  for (let from = 0; from < lines.length; from += eventBatchMax) {
    const batch = lines.slice(from, from + eventBatchMax).flatMap((text, i) => (text.trim() === "" ? [] : [read(text, from + i + 1)]));
    const events = batch.flatMap((entry) => ("message" in entry ? [entry.message] : []));
    const answered = events.length === 0 ? { results: [], accepted: 0 } : await client.recordEvents({ events }, options);
    const left = answered.results.values();
    for (const entry of batch) results.push(toJson("refused" in entry ? entry.refused : (left.next().value as EventResult)));
    accepted += answered.accepted;
    await nextTurn(undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  return { results, accepted };
}
