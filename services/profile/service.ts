/** Profiles: answers what is known of a subject; a consumer keeps it up to date with the bus. */

import { invalid } from "#libs/core/errors.ts";
import { historyToProto } from "#libs/events/codec.ts";
import { idProblem } from "#libs/events/limits.ts";
import { bind } from "#libs/rpc/definition.ts";
import { embeddedSettings, openEventBus, openProfileStore } from "#libs/serve/embedded.ts";
import { defineService } from "#libs/serve/service.ts";
import { profileHistory } from "#libs/store/profile.ts";
import { type GetProfilesRequest, type GetProfilesResponse, ProfilesDefinition } from "#protos/profiles.ts";
import { followEvents } from "./follow-events.ts";

const subjectsMax = 8;

function checkSubjects(subjects: readonly string[]): void {
  if (subjects.length < 1 || subjects.length > subjectsMax)
    throw invalid("subjects", `has ${subjects.length} entries, 1 to ${subjectsMax} are answered`);
  subjects.forEach((subject, i) => {
    const problem = idProblem(subject);
    if (problem) throw invalid(`subjects[${i}]`, problem);
  });
}

export const service = defineService({
  config: embeddedSettings,
  start: async (context) => {
    const store = await openProfileStore(context);
    const bus = await openEventBus(context);
    const consumer = await followEvents({ bus, store, log: context.log, metrics: context.telemetry.metrics, clock: context.clock });
    const getProfiles = async ({ subjects }: GetProfilesRequest): Promise<GetProfilesResponse> => {
      checkSubjects(subjects);
      const profiles = await store.get(subjects);
      return {
        profiles: profiles.map((profile, i) => ({
          subject: subjects[i]!,
          known: profile !== null,
          attributes: { ...profile?.attributes },
          events: profile ? historyToProto(profileHistory(profile)) : undefined,
          version: profile?.version ?? 0,
        })),
      };
    };
    return {
      bindings: [bind(ProfilesDefinition, { getProfiles })],
      ready: () => consumer.problem(),
      drain: () => consumer.close(),
      close: async () => undefined,
    };
  },
});
