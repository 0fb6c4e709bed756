/** What is written down of an answer. */

import { historyToProto } from "#libs/events/codec.ts";
import { historyOfEvents } from "#libs/events/join-histories.ts";
import type { FeatureRows, RankRequest } from "#protos/ranker.ts";
import type { RecommendResponse } from "#protos/recommender.ts";
import type { Served, ServedFeatures } from "#protos/served.ts";
import type { ServedResult } from "./respond.ts";

/** The rows of items that were served. */
function servedRows({ hash, positions, values, live }: FeatureRows, request: RankRequest, served: ReadonlySet<string>): FeatureRows {
  const width = positions.length === 0 ? 0 : values.length / positions.length;
  const isServed = (position: number): boolean => served.has(request.itemIds[position] ?? "");
  const rows = positions.flatMap((position, row) => (isServed(position) ? [row] : []));
  return {
    hash,
    positions: rows.map((row) => positions[row]!),
    values: rows.flatMap((row) => values.slice(row * width, (row + 1) * width)),
    live: live && { ...live, items: live.items.filter(({ position }) => isServed(position)) },
  };
}

function featuresOf({ query, note }: ServedResult, itemIds: readonly string[]): ServedFeatures | undefined {
  if (!note?.features) return undefined;
  const { request, features } = note;
  const times = request.events?.timesSeconds ?? [];
  return {
    request: { ...request, events: undefined, featureRows: 0, contributionRows: 0 },
    rows: servedRows(features, request, new Set(itemIds)),
    eventCount: times.length,
    firstEventSeconds: times[0] ?? 0,
    lastEventSeconds: times.at(-1) ?? 0,
    sessionEvents: historyToProto(historyOfEvents(query.session)),
    asOf: query.asOf,
    profileAnswered: query.profileAnswered,
  };
}

/** `timeSeconds`: when it was answered, by the wall clock. */
export function servedRecord(result: ServedResult, response: RecommendResponse, timeSeconds: number): Served {
  const { query, note } = result;
  const itemIds = response.items.map(({ itemId }) => itemId);
  return {
    recommendationId: response.recommendationId,
    subjects: [...query.subjects],
    kind: query.kind,
    surface: query.surface.name,
    timeSeconds,
    nowSeconds: Math.floor(query.nowSeconds),
    grade: response.grade,
    degraded: [...result.degraded],
    itemIds,
    scores: response.items.map(({ score }) => score),
    releases: response.releases,
    model: note?.model ?? "",
    features: featuresOf(result, itemIds),
  };
}
