/** The public API over HTTP: JSON in, a call of Recommender, JSON out. */

import type { FastifyInstance } from "fastify";
import { invalid } from "#libs/core/errors.ts";
import type { JsonEvent } from "#libs/events/json.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { RecommenderDefinition, RecommendRequest } from "#protos/recommender.ts";
import { callOptions } from "./call-options.ts";
import { eventOfBody } from "./event-json.ts";
import { addItemRoutes } from "./item-routes.ts";
import { filterFromJson, type JsonFilter, toJson } from "./json.ts";
import { addNdjson, linesOf, recordLines } from "./ndjson.ts";
import { eventsBody, idParams, popularQuery, recommendBody, recommendQuery, sessionBody, similarQuery } from "./schemas.ts";

interface FilterQuery {
  readonly category?: readonly string[];
  readonly attribute?: readonly string[];
  readonly price_min?: number;
  readonly price_max?: number;
}

interface RecommendFields {
  readonly user_id?: string;
  readonly session_id?: string;
  readonly n?: number;
  readonly surface?: string;
  readonly now?: number;
  readonly explain?: boolean;
  readonly filter?: JsonFilter;
  readonly events?: readonly JsonEvent[];
}

/** `attribute=colour:Black&attribute=colour:White` accepts both colours. */
function filterFromQuery({ category, attribute, price_min, price_max }: FilterQuery): JsonFilter {
  const attributes = new Map<string, string[]>();
  for (const pair of attribute ?? []) {
    const at = pair.indexOf(":");
    if (at < 1) throw invalid("attribute", `"${pair.slice(0, 64)}" is not of the form name:value`);
    const name = pair.slice(0, at);
    attributes.set(name, [...(attributes.get(name) ?? []), pair.slice(at + 1)]);
  }
  return {
    categories: category ?? [],
    attributes: Object.fromEntries(attributes),
    ...(price_min === undefined ? {} : { price_min }),
    ...(price_max === undefined ? {} : { price_max }),
  };
}

function recommendRequest(fields: RecommendFields): RecommendRequest {
  return {
    userId: fields.user_id ?? "",
    sessionId: fields.session_id ?? "",
    n: fields.n,
    surface: fields.surface ?? "",
    filter: filterFromJson(fields.filter),
    events: (fields.events ?? []).map(eventOfBody),
    nowSeconds: Math.floor(fields.now ?? 0),
    explain: fields.explain ?? false,
  };
}

/** In a scope of its own: lines are taken here and nowhere else. */
function addEventRoutes(app: FastifyInstance, client: Pick<Client<typeof RecommenderDefinition>, "recordEvents">): void {
  app.register((scope, _options, done) => {
    addNdjson(scope);
    scope.post<{ Body: { events: readonly JsonEvent[] } }>("/v1/events", { schema: { body: eventsBody } }, async (request, reply) => {
      const options = callOptions(request, reply);
      const lines = linesOf(request);
      if (lines !== undefined) return recordLines(lines, client, options);
      return toJson(await client.recordEvents({ events: request.body.events.map(eventOfBody) }, options));
    });
    done();
  });
}

export function addRoutes(app: FastifyInstance, client: Client<typeof RecommenderDefinition>): void {
  app.get<{ Querystring: RecommendFields & FilterQuery }>(
    "/v1/recommendations",
    { schema: { querystring: recommendQuery } },
    async (request, reply) => {
      const fields = { ...request.query, filter: filterFromQuery(request.query) };
      return toJson(await client.recommend(recommendRequest(fields), callOptions(request, reply)));
    },
  );
  app.post<{ Body: RecommendFields }>("/v1/recommendations", { schema: { body: recommendBody } }, async (request, reply) =>
    toJson(await client.recommend(recommendRequest(request.body), callOptions(request, reply))),
  );
  app.get<{ Params: { id: string }; Querystring: { n?: number } & FilterQuery }>(
    "/v1/items/:id/similar",
    { schema: { params: idParams, querystring: similarQuery } },
    async (request, reply) => {
      const filter = filterFromJson(filterFromQuery(request.query));
      return toJson(await client.similarItems({ itemId: request.params.id, n: request.query.n, filter }, callOptions(request, reply)));
    },
  );
  app.get<{ Querystring: { n?: number; age?: string } & FilterQuery }>(
    "/v1/popular",
    { schema: { querystring: popularQuery } },
    async (request, reply) => {
      const filter = filterFromJson(filterFromQuery(request.query));
      const segment = request.query.age === undefined ? {} : { age: request.query.age };
      return toJson(await client.popular({ n: request.query.n, filter, segment }, callOptions(request, reply)));
    },
  );
  addEventRoutes(app, client);
  addItemRoutes(app, client);
  app.get<{ Params: { id: string } }>("/v1/users/:id", { schema: { params: idParams } }, async (request, reply) =>
    toJson(await client.getUser({ subject: request.params.id }, callOptions(request, reply))),
  );
  app.delete<{ Params: { id: string } }>("/v1/users/:id", { schema: { params: idParams } }, async (request, reply) =>
    toJson(await client.eraseUser({ subject: request.params.id }, callOptions(request, reply))),
  );
  app.post<{ Params: { id: string }; Body: { session_id: string } }>(
    "/v1/users/:id/sessions",
    { schema: { params: idParams, body: sessionBody } },
    async (request, reply) => {
      const { params, body } = request;
      return toJson(await client.mergeSession({ userId: params.id, sessionId: body.session_id }, callOptions(request, reply)));
    },
  );
}
