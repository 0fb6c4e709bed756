/** What is held of a subject, with the items' names. */

import { invalid, ModisteError } from "#libs/core/errors.ts";
import { idProblem } from "#libs/events/limits.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { ProfilesDefinition } from "#protos/profiles.ts";
import type { GetUserResponse } from "#protos/recommender.ts";
import { catalogItem } from "./catalog-item.ts";

const unknownItem = { name: "", category: "", price: 0, attributes: {} };

export async function getUser(
  subject: string,
  profiles: Pick<Client<typeof ProfilesDefinition>, "exportProfile">,
  catalog: IndexedCatalog,
): Promise<GetUserResponse> {
  const problem = idProblem(subject);
  if (problem) throw invalid("subject", problem);
  const profile = await profiles.exportProfile({ subject }).catch((error: unknown) => {
    if (error instanceof ModisteError && error.code === "not_found") return null;
    throw error;
  });
  if (profile === null) return { subject, known: false, attributes: {}, events: [] };
  const events = profile.events.map(({ eventId, itemId, type, timeSeconds, value }) => {
    const item = catalog.indexOf.get(itemId);
    return { eventId, itemId, type, timeSeconds, value, ...(item === undefined ? unknownItem : catalogItem(catalog, item)) };
  });
  return { subject, known: true, attributes: profile.attributes, events: events.reverse() };
}
