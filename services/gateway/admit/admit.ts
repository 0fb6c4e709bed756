/** Admits a request or says which field is wrong. */

import { checkFilter, type ItemFilter, noFilter } from "#libs/catalog/filter.ts";
import { invalid, ModisteError } from "#libs/core/errors.ts";
import { eventTypeFromProto } from "#libs/events/codec.ts";
import { type Event, emptyHistory } from "#libs/events/event.ts";
import { idProblem, itemsDefault, itemsMax, sessionEventsMax } from "#libs/events/limits.ts";
import { surfaceOf, surfaces } from "#libs/pipeline/surfaces.ts";
import type { PopularRequest, RecommendRequest, SimilarItemsRequest } from "#protos/recommender.ts";
import type { Event as EventMessage, ItemFilter as ItemFilterMessage } from "#protos/types.ts";
import type { GatewayQuery } from "../query.ts";
import type { GatewayRelease } from "../release.ts";
import { noRules } from "../rules/active-rules.ts";

/** Most attributes of an audience in Popular. */
const segmentAttributesMax = 16;

function checkId(field: string, id: string, optional: boolean): void {
  const problem = idProblem(id, { optional });
  if (problem) throw invalid(field, problem);
}

function admitLimit(n: number | undefined): number {
  if (n === undefined) return itemsDefault;
  if (!Number.isInteger(n) || n < 1 || n > itemsMax) throw invalid("n", `must be a whole number from 1 to ${itemsMax}, got ${n}`);
  return n;
}

function admitFilter(message: ItemFilterMessage | undefined, release: GatewayRelease): ItemFilter {
  if (!message) return noFilter;
  checkFilter(release.catalog, message);
  return message;
}

/** Events of a session as the request gives them: what they lack (id, subject, time) is filled in, what is wrong is refused. */
function admitSession(events: readonly EventMessage[], subject: string, nowSeconds: number): Event[] {
  if (events.length > sessionEventsMax) throw invalid("events", `has ${events.length} entries, at most ${sessionEventsMax} are taken`);
  return events.map((event, i) => {
    const type = eventTypeFromProto(event.type);
    if (type === null) throw invalid(`events[${i}].type`, "is not one of view, cart, purchase, like, dislike, remove");
    checkId(`events[${i}].item_id`, event.itemId, false);
    checkId(`events[${i}].event_id`, event.eventId, true);
    if (!Number.isFinite(event.value) || event.value < 0) throw invalid(`events[${i}].value`, "must be a number of 0 or more");
    const timeSeconds = event.timeSeconds === 0 ? Math.floor(nowSeconds) : event.timeSeconds;
    return { ...event, type, subject, timeSeconds: Math.min(timeSeconds, Math.floor(nowSeconds)) };
  });
}

function baseQuery(release: GatewayRelease, nowSeconds: number): Omit<GatewayQuery, "kind"> {
  return {
    subjects: [],
    surface: surfaces.home,
    limit: itemsDefault,
    nowSeconds,
    asOf: false,
    filter: noFilter,
    seedItemIds: [],
    session: [],
    attributes: new Map(),
    history: emptyHistory,
    knowledge: "unknown",
    profileAnswered: false,
    rules: noRules,
    featureRows: 0,
    explain: false,
    release,
  };
}

export function admitRecommend(request: RecommendRequest, release: GatewayRelease, servingNow: number): GatewayQuery {
  checkId("user_id", request.userId, true);
  checkId("session_id", request.sessionId, true);
  if (!Number.isSafeInteger(request.nowSeconds) || request.nowSeconds < 0) throw invalid("now_seconds", "must be seconds since 1970");
  const nowSeconds = request.nowSeconds || servingNow;
  const session = request.sessionId === "" ? [] : [`session:${request.sessionId}`];
  const user = request.userId === "" ? [] : [request.userId];
  return {
    ...baseQuery(release, nowSeconds),
    kind: "recommend",
    asOf: request.nowSeconds !== 0,
    subjects: [...user, ...session],
    surface: surfaceOf(request.surface),
    limit: admitLimit(request.n),
    explain: request.explain,
    filter: admitFilter(request.filter, release),
    session: admitSession(request.events, session[0] ?? request.userId, nowSeconds),
  };
}

/** Throws `not_found` for an item that the catalogue does not have. */
export function admitSimilar(request: SimilarItemsRequest, release: GatewayRelease, servingNow: number): GatewayQuery {
  checkId("item_id", request.itemId, false);
  if (!release.catalog.indexOf.has(request.itemId)) {
    throw new ModisteError("not_found", "unknown_item", `item_id: no item "${request.itemId}" in the catalogue`, { field: "item_id" });
  }
  return {
    ...baseQuery(release, servingNow),
    kind: "similar",
    surface: surfaces.product,
    limit: admitLimit(request.n),
    filter: admitFilter(request.filter, release),
    seedItemIds: [request.itemId],
  };
}

export function admitPopular(request: PopularRequest, release: GatewayRelease, servingNow: number): GatewayQuery {
  const segment = Object.entries(request.segment);
  if (segment.length > segmentAttributesMax) throw invalid("segment", `has more than ${segmentAttributesMax} entries`);
  for (const [name, value] of segment) {
    checkId("segment", name, false);
    checkId(`segment.${name}`, value, true);
  }
  return {
    ...baseQuery(release, servingNow),
    kind: "popular",
    limit: admitLimit(request.n),
    filter: admitFilter(request.filter, release),
    attributes: new Map(segment),
  };
}
