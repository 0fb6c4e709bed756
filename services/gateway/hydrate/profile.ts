/** Adds the subject's profile and the events of the session, without doubles. */

import { historyFromProto } from "#libs/events/codec.ts";
import { historyOfEvents, joinHistories } from "#libs/events/join-histories.ts";
import type { Hydrator } from "#libs/pipeline/pipeline.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { Profile, ProfilesDefinition } from "#protos/profiles.ts";
import type { GatewayQuery, Knowledge } from "../query.ts";

function withProfiles(query: GatewayQuery, profiles: readonly Profile[]): GatewayQuery {
  const histories = profiles.map((profile) => historyFromProto(profile.events));
  const history = joinHistories([...histories, historyOfEvents(query.session)], Math.floor(query.nowSeconds), query.asOf);
  const attributes = new Map(profiles.flatMap((profile) => Object.entries(profile.attributes)));
  const known = histories.some(({ itemIds }) => itemIds.length > 0);
  const knowledge: Knowledge = known ? "known" : query.session.length > 0 ? "session" : "unknown";
  return { ...query, history, attributes, knowledge };
}

export function hydrateProfile(client: Pick<Client<typeof ProfilesDefinition>, "getProfiles">): Hydrator<GatewayQuery> {
  return {
    name: "profile",
    hydrate: async (query, { signal }) => {
      if (query.kind !== "recommend") return query;
      if (query.subjects.length === 0) return withProfiles(query, []);
      const { profiles } = await client.getProfiles({ subjects: [...query.subjects] }, { signal });
      return { ...withProfiles(query, profiles), profileAnswered: true };
    },
    fallback: (query) => ({ ...withProfiles(query, []), knowledge: query.session.length > 0 ? "session" : "unavailable" }),
  };
}
