/** Profiles as bytes: protobuf, versioned, readable by the last version of the code. */

import { ModisteError } from "#libs/core/errors.ts";
import { ProfileRecord } from "#protos/profiles.ts";
import type { EventType } from "#protos/types.ts";
import { type Profile, profileVersion } from "./profile.ts";

export const profileFormat = 1;

/** Entries ascending by name: the same profile is the same bytes, whatever came first. */
const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

export function profileRecord(profile: Profile): ProfileRecord {
  const { subject, attributes, events, nextOffsets, erased } = profile;
  return {
    format: profileFormat,
    version: profileVersion(profile),
    subject,
    attributes: sorted(attributes),
    events: events.map((event) => ({ ...event, type: event.type as EventType })),
    nextOffsets: sorted(nextOffsets),
    erased: erased === null ? undefined : { id: erased.id, pending: [...erased.pending], at: sorted(erased.at) },
  };
}

export const encodeProfile = (profile: Profile): Uint8Array => ProfileRecord.encode(profileRecord(profile)).finish();

/** Throws `data_loss` when the bytes are no profile, `failed_precondition` when it is of a newer format. */
export function decodeProfile(bytes: Uint8Array): Profile {
  let record: ProfileRecord;
  try {
    record = ProfileRecord.decode(bytes);
  } catch (cause) {
    throw new ModisteError("data_loss", "profile_broken", "a stored profile is not readable", { cause });
  }
  if (record.format > profileFormat) {
    throw new ModisteError(
      "failed_precondition",
      "profile_format_newer",
      `a stored profile has format ${record.format}, this code reads up to ${profileFormat}`,
    );
  }
  const { subject, attributes, events, nextOffsets, erased } = record;
  return { subject, attributes, events, nextOffsets, erased: erased ?? null };
}
