/** Adds the subject's profile and the events of the session, without doubles. */

import { historyFromProto } from "#libs/events/codec.ts";
import { type Event, eventCode, type History } from "#libs/events/event.ts";
import type { Hydrator } from "#libs/pipeline/pipeline.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { Profile, ProfilesDefinition } from "#protos/profiles.ts";
import type { GatewayQuery, Knowledge } from "../query.ts";

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
 * Several histories as one, ascending by time. A session's event that a profile holds already (same item, type and second) counts once; a
 * history's own repetitions are quantities and stay. What lies after `nowSeconds` is left out `asOf` an instant of the past, and counts as
 * now otherwise: clocks of shops differ.
 */
export function joinHistories(histories: readonly (readonly Row[])[], nowSeconds: number, asOf: boolean): History {
  const rows: Row[] = [];
  const held = new Set<string>();
  for (const history of histories) {
    const past = asOf
      ? history.filter((row) => row.timeSeconds <= nowSeconds)
      : history.map((row) => (row.timeSeconds > nowSeconds ? { ...row, timeSeconds: nowSeconds } : row));
    const fresh = past.filter((row) => !held.has(`${row.type} ${row.timeSeconds} ${row.itemId}`));
    rows.push(...fresh);
    for (const row of fresh) held.add(`${row.type} ${row.timeSeconds} ${row.itemId}`);
  }
  const joined = rows.sort((a, b) => a.timeSeconds - b.timeSeconds);
  return {
    itemIds: joined.map((row) => row.itemId),
    types: joined.map((row) => row.type),
    timesSeconds: joined.map((row) => row.timeSeconds),
    values: joined.map((row) => row.value),
  };
}

function withProfiles(query: GatewayQuery, profiles: readonly Profile[]): GatewayQuery {
  const histories = profiles.map((profile) => rowsOf(historyFromProto(profile.events)));
  const history = joinHistories([...histories, query.session.map(eventRow)], Math.floor(query.nowSeconds), query.asOf);
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
