/** What S3 and the way to it answer when they do not do what was asked, in words that say what to mend. */

import { ModisteError } from "#libs/core/errors.ts";

/** What of an error of the SDK, of Node or of a credential provider is read here. */
interface ThrownByClient {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

export const statusOf = (cause: unknown): number | undefined => (cause as ThrownByClient).$metadata?.httpStatusCode;

const misplaced = [
  "NoSuchBucket",
  "InvalidBucketName",
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
];

/** No object has this key. Another 404 is no answer to that: of a missing bucket, or of a server that is none of S3. */
export const isMissing = (cause: unknown): boolean => (cause as ThrownByClient).name === "NoSuchKey";

/** Some servers answer 404 for an access key that they do not know. */
const isRefusal = (status: number, name: string): boolean =>
  status === 401 || status === 403 || /^InvalidAccessKey|UserNotFound$/.test(name);

/** @param bucket for people: its name and where it is asked for. */
export function toStoreFault(cause: unknown, bucket: string): ModisteError {
  if (cause instanceof ModisteError) return cause;
  const { name = "", code = "", message = "" } = cause as ThrownByClient;
  const status = statusOf(cause) ?? 0;
  const because = { cause };
  if (name === "NoSuchBucket")
    return new ModisteError("failed_precondition", "store_misplaced", `${bucket} does not exist (MODISTE_RELEASES)`, because);
  if (misplaced.includes(name) || status === 301)
    return new ModisteError(
      "failed_precondition",
      "store_misplaced",
      `${bucket} is not there: ${name} (MODISTE_RELEASES, MODISTE_S3_REGION)`,
      because,
    );
  if (name.includes("Credentials"))
    return new ModisteError(
      "unauthenticated",
      "store_refused",
      `no credentials for ${bucket}: neither MODISTE_S3_ACCESS_KEY_ID nor the default chain has any (${message.slice(0, 200)})`,
      because,
    );
  if (isRefusal(status, name))
    return new ModisteError(
      "permission_denied",
      "store_refused",
      `${bucket} refuses the credentials: ${name} (MODISTE_S3_ACCESS_KEY_ID, MODISTE_S3_SECRET_ACCESS_KEY)`,
      because,
    );
  if (name === "Error" && message.startsWith("Region is missing"))
    return new ModisteError("failed_precondition", "store_misplaced", `no region for ${bucket}: MODISTE_S3_REGION names none`, because);
  const what = code !== "" ? code : status >= 400 ? `${name}, status ${status}` : `${name}: ${message.split("\n")[0]!.slice(0, 200)}`;
  return new ModisteError(
    "unavailable",
    "store_unreachable",
    `${bucket} cannot be reached or does not answer as S3 does (${what})`,
    because,
  );
}
