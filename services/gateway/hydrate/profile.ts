/** Adds the subject's profile and the events of the session, without doubles. */

import { historyFromProto } from "#libs/events/codec.ts";
import { type Event, eventCode, type History } from "#libs/events/event.ts";
import type { Hydrator } from "#libs/pipeline/pipeline.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { Profile, ProfilesDefinition } from "#protos/profiles.ts";
import type { GatewayQuery, Knowledge } from "../query.ts";

/** Latest events that travel to the sources and the ranker: as many as they were trained on. */
export const historyMax = 200;

interface Row {
  readonly itemId: string;
  readonly type: number;
  readonly timeSeconds: number;
  readonly value: number;
}

const rowsOf = (history: History): Row[] =>
  history.itemIds.map((itemId, i) => ({
    itemId,
    type: history.types[i]!,
    timeSeconds: history.timesSeconds[i]!,
    value: history.values[i]!,
  }));

const eventRow = ({ itemId, type, timeSeconds, value }: Event): Row => ({ itemId, type: eventCode[type], timeSeconds, value });

/**
 * Several histories as one, ascending by time, the latest `historyMax`. A session's event that a profile holds already (same
 * item, type and second) counts once; a history's own repetitions are quantities and stay. Nothing after `nowSeconds`.
 */
export function joinHistories(histories: readonly (readonly Row[])[], nowSeconds: number): History {
  const rows: Row[] = [];
  const held = new Set<string>();
  for (const history of histories) {
    const fresh = history.filter((row) => row.timeSeconds <= nowSeconds && !held.has(`${row.type} ${row.timeSeconds} ${row.itemId}`));
    rows.push(...fresh);
    for (const row of fresh) held.add(`${row.type} ${row.timeSeconds} ${row.itemId}`);
  }
  const latest = rows.sort((a, b) => a.timeSeconds - b.timeSeconds).slice(-historyMax);
  return {
    itemIds: latest.map((row) => row.itemId),
    types: latest.map((row) => row.type),
    timesSeconds: latest.map((row) => row.timeSeconds),
    values: latest.map((row) => row.value),
  };
}

function withProfiles(query: GatewayQuery, profiles: readonly Profile[]): GatewayQuery {
  const histories = profiles.map((profile) => rowsOf(historyFromProto(profile.events)));
  const history = joinHistories([...histories, query.session.map(eventRow)], query.nowSeconds);
  const attributes = new Map(profiles.flatMap((profile) => Object.entries(profile.attributes)));
  const known = histories.some((rows) => rows.length > 0);
  const knowledge: Knowledge = known ? "known" : query.session.length > 0 ? "session" : "unknown";
  return { ...query, history, attributes, knowledge };
}

export function hydrateProfile(client: Client<typeof ProfilesDefinition>): Hydrator<GatewayQuery> {
  return {
    name: "profile",
    hydrate: async (query, { signal }) => {
      if (query.kind !== "recommend") return query;
      if (query.subjects.length === 0) return withProfiles(query, []);
      const { profiles } = await client.getProfiles({ subjects: [...query.subjects] }, { signal });
      return withProfiles(query, profiles);
    },
    fallback: (query) => ({ ...withProfiles(query, []), knowledge: query.session.length > 0 ? "session" : "unavailable" }),
  };
}
