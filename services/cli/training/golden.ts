/** Golden requests: what the release answered when it was made; services warm up with them and tests compare. */

import type { Catalog } from "#libs/catalog/catalog.ts";
import { historyBefore } from "#libs/data/splits.ts";
import type { GoldenRequest } from "#libs/release/manifest.ts";
import { type ListingRules, offlineUser } from "./offline.ts";
import type { OfflineModel } from "./recommend.ts";
import { recommendOffline } from "./recommend.ts";
import type { TrainingData } from "./train-release.ts";

/** What the gateway's home surface lists. */
export const servingRules: ListingRules = { items: "serving", seen: "keep" };

const goldenCount = 8;
const goldenItems = 12;

/** Users with histories of different lengths, spread over the data set. */
export async function goldenRequests(data: TrainingData, catalog: Catalog, model: OfflineModel): Promise<GoldenRequest[]> {
  const { interactions, users } = data;
  const requests: GoldenRequest[] = [];
  const stride = Math.max(1, Math.floor(interactions.userCount / goldenCount));
  for (let user = 0; user < interactions.userCount && requests.length < goldenCount; user += stride) {
    const { start, end } = historyBefore(interactions, user, data.endSeconds);
    const known = offlineUser(interactions, users, user, data.endSeconds);
    const listed = await recommendOffline(model, catalog, known, goldenItems, servingRules);
    requests.push({
      name: `${end - start} events`,
      user_id: users.ids[user]!,
      now_seconds: data.endSeconds,
      n: goldenItems,
      items: Array.from(listed, (item) => catalog.ids[item]!),
      events: {
        item_ids: Array.from(known.items, (item) => catalog.ids[item]!),
        types: Array.from(known.types),
        times_seconds: Array.from(known.times),
      },
      attributes: Object.fromEntries(known.attributes),
    });
  }
  return requests;
}
