/** The OpenAPI 3.1 document, made from the schemas that requests are validated with, and a page that shows it. */

import type { FastifyInstance } from "fastify";
import { eventsBody, idParams, popularQuery, recommendBody, recommendQuery, similarQuery } from "./schemas.ts";

type Json = Readonly<Record<string, unknown>>;

interface QuerySchema {
  readonly properties: Readonly<Record<string, Json>>;
}

const problem = {
  description: "what is wrong, as RFC 9457 says it",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};
const refusals = { "400": problem, "404": problem, "413": problem, "415": problem, "503": problem, "504": problem };

function answer(schema: string): Json {
  return {
    "200": { description: "the answer", content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } } },
    ...refusals,
  };
}

function query({ properties }: QuerySchema): Json[] {
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "query", schema }));
}

const pathId = { name: "id", in: "path", required: true, schema: idParams.properties.id };
const body = (schema: Json): Json => ({ required: true, content: { "application/json": { schema } } });
const text = { type: "string" };
const number = { type: "number" };
const textMap = { type: "object", additionalProperties: text };
const list = (items: Json): Json => ({ type: "array", items });
const object = (properties: Json): Json => ({ type: "object", properties });

const item = object({
  item_id: text,
  score: { ...number, description: "comparable inside one answer only" },
  reasons: list(object({ kind: text, source: text, because_item_id: text, text })),
  name: text,
  category: text,
  price: number,
  attributes: textMap,
});

const coverage = object({
  user: { type: "string", enum: ["KNOWN", "UNKNOWN", "SESSION", "UNAVAILABLE"] },
  events: number,
  asked: number,
  answered: number,
  late: number,
  failed: number,
  sources: list(object({ source: text, outcome: text, candidates: number, milliseconds: number, release: text })),
  stages: list(object({ stage: text, milliseconds: number, candidates: number })),
  removed: list(object({ filter: text, removed: number })),
  degraded: list(text),
});

const schemas = {
  Recommendation: object({
    recommendation_id: { ...text, description: "bring it back with the events that the answer led to" },
    items: list(item),
    grade: { type: "string", enum: ["FULL", "PARTIAL", "UNRANKED", "IMPERSONAL", "STATIC"] },
    coverage,
    releases: textMap,
    trace_id: text,
  }),
  EventResults: object({
    results: list(object({ event_id: text, accepted: { type: "boolean" }, reason: text, message: text })),
    accepted: number,
  }),
  User: object({
    subject: text,
    known: { type: "boolean" },
    attributes: textMap,
    events: list(
      object({ item_id: text, type: text, time_seconds: number, name: text, category: text, price: number, attributes: textMap }),
    ),
  }),
  Problem: object({ type: text, title: text, status: number, code: text, reason: text, detail: text, field: text }),
};

export const openApiDocument: Json = {
  openapi: "3.1.0",
  info: {
    title: "modiste",
    version: "1",
    description: "A recommender for shops.",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  paths: {
    "/v1/recommendations": {
      get: {
        summary: "What the user or session may want next",
        operationId: "recommend",
        parameters: query(recommendQuery),
        responses: answer("Recommendation"),
      },
      post: {
        summary: "The same with events of the session in the body",
        operationId: "recommendSession",
        requestBody: body(recommendBody),
        responses: answer("Recommendation"),
      },
    },
    "/v1/items/{id}/similar": {
      get: {
        summary: "Items like a given one",
        operationId: "similarItems",
        parameters: [pathId, ...query(similarQuery)],
        responses: answer("Recommendation"),
      },
    },
    "/v1/popular": {
      get: { summary: "What sells now", operationId: "popular", parameters: query(popularQuery), responses: answer("Recommendation") },
    },
    "/v1/events": {
      post: {
        summary: "Tell what subjects did",
        operationId: "recordEvents",
        requestBody: body(eventsBody),
        responses: answer("EventResults"),
      },
    },
    "/v1/users/{id}": {
      get: { summary: "What is known of a user or session", operationId: "getUser", parameters: [pathId], responses: answer("User") },
    },
  },
  components: { schemas },
};

const escape = (value: string): string => value.replace(/&/g, "&amp;").replace(/</g, "&lt;");

/** One self-contained page; no script, nothing loaded from elsewhere. */
function documentPage(): string {
  const paths = openApiDocument.paths as Readonly<
    Record<string, Readonly<Record<string, { summary: string; parameters?: readonly Json[]; requestBody?: Json }>>>
  >;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary, parameters, requestBody }]) => {
      const rows = (parameters ?? []).map((p) => {
        const schema = p.schema as { type?: string; description?: string };
        return `<tr><td><code>${escape(String(p.name))}</code></td><td>${schema.type ?? ""}</td><td>${escape(schema.description ?? "")}</td></tr>`;
      });
      const table = rows.length > 0 ? `<table>${rows.join("")}</table>` : "";
      const json = requestBody
        ? `<details><summary>body</summary><pre>${escape(JSON.stringify(requestBody, null, 1))}</pre></details>`
        : "";
      return `<section><h2><b>${method.toUpperCase()}</b> <code>${escape(path)}</code></h2><p>${escape(summary)}</p>${table}${json}</section>`;
    }),
  );
  const style =
    "body{font:16px/1.5 system-ui;margin:2rem auto;max-width:52rem;padding:0 1rem;color:#222}h2{font-size:1.1rem;margin-top:2rem}b{color:#7a2e5d}td{padding:.15rem 1rem .15rem 0;vertical-align:top}pre{overflow:auto;background:#f5f3ef;padding:1rem}";
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>modiste API</title><style>${style}</style><h1>modiste API</h1><p>OpenAPI 3.1: <a href="/openapi.json">openapi.json</a></p>${operations.join("")}</html>`;
}

export function addOpenApi(app: FastifyInstance): void {
  const page = documentPage();
  app.get("/openapi.json", async () => openApiDocument);
  app.get("/docs", async (_request, reply) => reply.type("text/html; charset=utf-8").send(page));
}
