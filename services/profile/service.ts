/** Profiles: answers what is known of a subject; a consumer keeps it up to date with the bus. */

import { invalid, ModisteError } from "#libs/core/errors.ts";
import { historyToProto } from "#libs/events/codec.ts";
import { idProblem } from "#libs/events/limits.ts";
import { bind } from "#libs/rpc/definition.ts";
import { nearlineSettings, openEventBus, openStores } from "#libs/serve/nearline.ts";
import { defineService } from "#libs/serve/service.ts";
import { isKnown, profileHistory, profileVersion } from "#libs/store/profile.ts";
import { profileRecord } from "#libs/store/profile-codec.ts";
import type { ProfileStore } from "#libs/store/profile-store.ts";
import { storeMark, subjectKey } from "#libs/store/subject-key.ts";
import {
  type ExportProfileRequest,
  type GetProfilesRequest,
  type GetProfilesResponse,
  type ProfileRecord,
  ProfilesDefinition,
} from "#protos/profiles.ts";
import { followCatalogTopic } from "./follow-catalog.ts";
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

/** Claims until it has succeeded once. */
function claimOnce(profiles: ProfileStore, mark: string): () => Promise<void> {
  let claimed = false;
  return async () => {
    if (claimed) return;
    await profiles.claim(mark);
    claimed = true;
  };
}

export const service = defineService({
  config: nearlineSettings,
  start: async (context) => {
    const { subjectHashKey, log, clock } = context;
    const { profiles, counters, changes } = await openStores(context);
    const claim = claimOnce(profiles, storeMark(subjectHashKey));
    // A store that is away must not keep the service from starting; one of another key must.
    await claim().catch((error: unknown) => {
      if (!(error instanceof ModisteError && error.code === "unavailable")) throw error;
      log.warn({ err: error }, "the profile store is away: tried again when events are applied");
    });
    const bus = await openEventBus(context);
    const keyOf = (subject: string): string => subjectKey(subject, subjectHashKey);
    const { metrics } = context.telemetry;
    const consumer = await followEvents({ bus, profiles, counters, claim, keyOf, log, metrics, clock });
    const catalog = await followCatalogTopic({ bus, changes, log, metrics });
    const getProfiles = async ({ subjects }: GetProfilesRequest): Promise<GetProfilesResponse> => {
      checkSubjects(subjects);
      const held = await profiles.get(subjects.map(keyOf));
      return {
        profiles: held.map((profile, i) => ({
          subject: subjects[i]!,
          known: profile !== null && isKnown(profile),
          attributes: { ...profile?.attributes },
          events: profile ? historyToProto(profileHistory(profile)) : undefined,
          version: profile ? profileVersion(profile) : 0,
        })),
      };
    };
    const exportProfile = async ({ subject }: ExportProfileRequest): Promise<ProfileRecord> => {
      const problem = idProblem(subject);
      if (problem) throw invalid("subject", problem);
      const [profile] = await profiles.get([keyOf(subject)]);
      if (!profile || !isKnown(profile)) throw new ModisteError("not_found", "unknown_subject", "nothing is held of this subject");
      return profileRecord(profile);
    };
    return {
      bindings: [bind(ProfilesDefinition, { getProfiles, exportProfile })],
      ready: () => consumer.problem() ?? catalog.problem(),
      drain: async () => {
        await Promise.all([consumer.close(), catalog.close()]);
      },
      close: async () => undefined,
    };
  },
});
