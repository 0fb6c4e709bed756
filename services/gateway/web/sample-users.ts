/** A few known users to begin with: the golden ones of the release, described by what the profile service knows of them now. */

import { ModisteError } from "#libs/core/errors.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import type { CallOptions, Client } from "#libs/rpc/definition.ts";
import type { GetUserResponse, RecommenderDefinition } from "#protos/recommender.ts";
import { EventType } from "#protos/types.ts";

export interface SampleUser {
  readonly user_id: string;
  /** For a person, such as "31 years, 24 purchases". */
  readonly label: string;
  readonly purchases: number;
}

/** Users offered. */
const usersMax = 6;
/** The page must not wait longer for labels. */
const waitMsMax = 1000;

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

function describeUser({ subject, attributes, events }: GetUserResponse): SampleUser {
  const purchases = events.filter(({ type }) => type === EventType.EVENT_TYPE_PURCHASE).length;
  const age = attributes.age ? `${attributes.age} years, ` : "";
  const did = purchases > 0 || events.length === 0 ? plural(purchases, "purchase") : plural(events.length, "event");
  return { user_id: subject, label: age + did, purchases };
}

/** `most` of them, evenly spread, so that short and long histories are both there. */
function spread<T>(sorted: readonly T[], most: number): T[] {
  if (sorted.length <= most) return [...sorted];
  return Array.from({ length: most }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (most - 1))]!);
}

const isRefusal = (cause: unknown): boolean => cause instanceof ModisteError && cause.code === "unauthenticated";

/**
 * Those with a history, longest first; all of them when none has one, or when the profile service does not answer.
 * @param caller whoever sees the page, with a key of their own. Throws `unauthenticated` when they may not ask for users.
 */
export async function sampleUsers(
  { golden }: ReleaseManifest,
  client: Client<typeof RecommenderDefinition>,
  caller: CallOptions,
): Promise<SampleUser[]> {
  const ids = [...new Set(golden.map(({ user_id }) => user_id))];
  const asked = await Promise.allSettled(ids.map((subject) => client.getUser({ subject }, { ...caller, timeoutMs: waitMsMax })));
  for (const answer of asked) if (answer.status === "rejected" && isRefusal(answer.reason)) throw answer.reason;
  const users = asked.flatMap((answer) => (answer.status === "fulfilled" && answer.value.events.length > 0 ? [answer.value] : []));
  if (users.length === 0) return golden.slice(0, usersMax).map(({ user_id, name }) => ({ user_id, label: name, purchases: 0 }));
  const sorted = users.sort((a, b) => b.events.length - a.events.length);
  return spread(sorted, usersMax).map(describeUser);
}
