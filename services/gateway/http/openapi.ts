/** The OpenAPI 3.1 document, made from the schemas that requests are validated with. */

import type { FastifyInstance } from "fastify";
import { answerSchemas, type JsonSchema, schemaRef } from "./answer-schemas.ts";
import { timeoutHeader } from "./call-options.ts";
import { documentPage } from "./docs-page.ts";
import { ndjsonBytesMax, ndjsonLinesMax, ndjsonType } from "./ndjson.ts";
import { eventsBody, idParams, itemsBody, popularQuery, recommendBody, recommendQuery, sessionBody, similarQuery } from "./schemas.ts";

type AnswerName = keyof typeof answerSchemas;

interface QuerySchema {
  readonly properties: Readonly<Record<string, JsonSchema>>;
}

/** Which refusals an operation knows, by status. */
const refusalWords: Readonly<Record<string, string>> = {
  "400": "a field is wrong; the problem names it",
  "401": "a bearer key is needed, or not known",
  "403": "the Host name is not answered",
  "404": "not there",
  "413": "the body or the batch is too large",
  "415": "not JSON",
  "429": "too many requests at once; come again",
  "500": "a fault of ours",
  "503": "not now; come again",
  "504": "not in time",
};

function responses(description: string, schema: AnswerName, refusals: readonly string[]): JsonSchema {
  const problem = { "application/problem+json": { schema: schemaRef("Problem") } };
  return {
    "200": { description, content: { "application/json": { schema: schemaRef(schema) } } },
    ...Object.fromEntries(refusals.map((status) => [status, { description: refusalWords[status] ?? "", content: problem }])),
  };
}

const readRefusals = ["400", "401", "403", "404", "429", "500", "503", "504"];
const bodyRefusals = ["400", "401", "403", "413", "415", "429", "500", "503", "504"];

/** Arrays of a query are repeated: `category=Dress&category=Shirt`. */
function query({ properties }: QuerySchema): JsonSchema[] {
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    ...(description === undefined ? {} : { description }),
    schema,
    ...(schema.type === "array" ? { style: "form", explode: true } : {}),
  }));
}

const pathId = { name: "id", in: "path", required: true, schema: idParams.properties.id };
const headers = [{ $ref: "#/components/parameters/Timeout" }, { $ref: "#/components/parameters/Traceparent" }];
const body = (schema: JsonSchema): JsonSchema => ({ required: true, content: { "application/json": { schema } } });

const eventsRequest = {
  required: true,
  content: {
    "application/json": { schema: eventsBody },
    [ndjsonType]: {
      schema: {
        type: "string",
        description: `an event a line, at most ${ndjsonLinesMax} lines and ${ndjsonBytesMax >> 20} MiB; a line that is none has its own result`,
      },
    },
  },
};

const recommendation = "items, best first, with reasons and what stands behind them";

const api = {
  "/v1/recommendations": {
    get: {
      tags: ["Recommend"],
      summary: "What the user or session may want next",
      operationId: "recommend",
      parameters: [...query(recommendQuery), ...headers],
      responses: responses(recommendation, "Recommendation", readRefusals),
    },
    post: {
      tags: ["Recommend"],
      summary: "The same with events of the session in the body",
      operationId: "recommendSession",
      parameters: headers,
      requestBody: body(recommendBody),
      responses: responses(recommendation, "Recommendation", bodyRefusals),
    },
  },
  "/v1/items/{id}/similar": {
    get: {
      tags: ["Recommend"],
      summary: "Items like a given one",
      operationId: "similarItems",
      parameters: [pathId, ...query(similarQuery), ...headers],
      responses: responses(recommendation, "Recommendation", readRefusals),
    },
  },
  "/v1/popular": {
    get: {
      tags: ["Recommend"],
      summary: "What sells now",
      operationId: "popular",
      parameters: [...query(popularQuery), ...headers],
      responses: responses(recommendation, "Recommendation", readRefusals),
    },
  },
  "/v1/events": {
    post: {
      tags: ["Events and users"],
      summary: "Tell what subjects did",
      operationId: "recordEvents",
      parameters: headers,
      requestBody: eventsRequest,
      responses: responses("one result an event; an accepted event is durable and counts in the next answer", "EventResults", bodyRefusals),
    },
  },
  "/v1/items": {
    post: {
      tags: ["Catalogue"],
      summary: "Tell of new items and of what has changed",
      operationId: "upsertItems",
      parameters: headers,
      requestBody: body(itemsBody),
      responses: responses("one result an item; an accepted change is durable and counts in the next answer", "ItemResults", bodyRefusals),
    },
  },
  "/v1/items/{id}": {
    delete: {
      tags: ["Catalogue"],
      summary: "Withdraw an item",
      operationId: "deleteItem",
      parameters: [pathId, ...headers],
      responses: responses("durable; the item is in no answer any more, what users did with it stays", "Withdrawn", readRefusals),
    },
  },
  "/v1/users/{id}": {
    get: {
      tags: ["Events and users"],
      summary: "What is known of a user or session",
      operationId: "getUser",
      parameters: [{ ...pathId, description: 'a user id or "session:<id>"' }, ...headers],
      responses: responses("all that is held: its events with the items' names, newest first", "User", readRefusals),
    },
    delete: {
      tags: ["Events and users"],
      summary: "Forget a user or session",
      operationId: "eraseUser",
      parameters: [{ ...pathId, description: 'a user id or "session:<id>"' }, ...headers],
      responses: responses(
        "durable; in force like an event, in records and archive within the time that docs/events.md states",
        "Erasure",
        readRefusals,
      ),
    },
  },
  "/v1/users/{id}/sessions": {
    post: {
      tags: ["Events and users"],
      summary: "A session has logged in: what it did is the user's",
      operationId: "mergeSession",
      parameters: [{ ...pathId, description: "the user id" }, ...headers],
      requestBody: body(sessionBody),
      responses: responses("durable; again is harmless", "Merged", bodyRefusals),
    },
  },
};

const notReady = { description: "not ready, and why", content: { "application/json": { schema: schemaRef("NotReady") } } };

const operations = {
  "/v1/traces/{id}": {
    get: {
      tags: ["Operations"],
      summary: "The spans of a recent request in this process",
      operationId: "getTrace",
      parameters: [{ ...pathId, description: "the trace_id of an answer" }],
      responses: responses("spans by their start", "Trace", ["403", "404"]),
    },
  },
  "/healthz": {
    get: {
      tags: ["Operations"],
      summary: "Whether the process lives",
      operationId: "health",
      responses: responses("it does", "Health", ["403"]),
    },
  },
  "/readyz": {
    get: {
      tags: ["Operations"],
      summary: "Whether it can answer",
      operationId: "ready",
      responses: { ...responses("it can", "Health", ["403"]), "503": notReady },
    },
  },
  "/metrics": {
    get: {
      tags: ["Operations"],
      summary: "Metrics for Prometheus",
      operationId: "metrics",
      responses: { "200": { description: "the text format of Prometheus", content: { "text/plain": { schema: { type: "string" } } } } },
    },
  },
};

export const openApiDocument = {
  openapi: "3.1.0",
  info: {
    title: "modiste",
    version: "1",
    description: "A recommender for shops. Every refusal is application/problem+json (RFC 9457) and names the field.",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  servers: [{ url: "/" }],
  // Keys are asked for where MODISTE_RPC_KEYS names some.
  security: [{}, { bearer: [] }],
  paths: { ...api, ...operations },
  components: {
    schemas: answerSchemas,
    securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
    parameters: {
      Timeout: {
        name: timeoutHeader,
        in: "header",
        description: "milliseconds that the caller waits, at most 60000",
        schema: { type: "number" },
      },
      Traceparent: {
        name: "traceparent",
        in: "header",
        description: "W3C trace context: the request continues this trace",
        schema: { type: "string" },
      },
    },
  },
} as const;

export function addOpenApi(app: FastifyInstance): void {
  const page = documentPage(openApiDocument);
  app.get("/openapi.json", async () => openApiDocument);
  app.get("/docs", async (_request, reply) => reply.type("text/html; charset=utf-8").send(page));
}
