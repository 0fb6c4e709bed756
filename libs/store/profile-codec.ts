/** Profiles as bytes: protobuf, versioned, readable by the last version of the code. */

import { ModisteError } from "#libs/core/errors.ts";
import { ProfileRecord } from "#protos/profiles.ts";
import type { EventType } from "#protos/types.ts";
import type { Profile } from "./profile.ts";

export const profileFormat = 1;

export function encodeProfile(profile: Profile): Uint8Array {
  const { version, attributes, events, nextOffsets } = profile;
  return ProfileRecord.encode({
    format: profileFormat,
    version,
    attributes: { ...attributes },
    events: events.map((event) => ({ ...event, type: event.type as EventType })),
    nextOffsets: { ...nextOffsets },
  }).finish();
}

/** Throws `data_loss` naming the subject's record when it is no profile, `failed_precondition` when it is of a newer format. */
export function decodeProfile(subject: string, bytes: Uint8Array): Profile {
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
  const { version, attributes, events, nextOffsets } = record;
  return { subject, version, attributes, events, nextOffsets };
}
