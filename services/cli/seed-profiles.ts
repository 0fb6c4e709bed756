/** Writes the histories of a data set into the profile store: this is how known users have a history at all. */

import { openDataset } from "#libs/data/dataset.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { historyBefore } from "#libs/data/splits.ts";
import { boundEvents, emptyProfile, type HeldEvent } from "#libs/store/profile.ts";
import type { ProfileStore, SeededProfile } from "#libs/store/profile-store.ts";
import { storeMark, subjectKey } from "#libs/store/subject-key.ts";
import { dataSetFolder, type HomeFolders } from "./home.ts";
import { nearlineOf } from "./nearline.ts";
import { stopSignal } from "./stop-signal.ts";
import { progressLine } from "./terminal.ts";
import { userAttributes } from "./training/offline.ts";

/** Profiles of one transaction. */
const batchProfiles = 5000;

/** A user's seeded events: those before the watermark, in seconds since 1970 UTC. */
export function heldEvents(interactions: Interactions, user: number, before: number, ids: readonly string[]): HeldEvent[] {
  const { start, end } = historyBefore(interactions, user, before);
  const events: HeldEvent[] = [];
  for (let at = start; at < end; at++) {
    events.push({
      eventId: "",
      itemId: ids[interactions.items[at]!]!,
      type: interactions.types[at]!,
      timeSeconds: interactions.times[at]!,
      value: interactions.values[at]!,
    });
  }
  return boundEvents(events);
}

/** The same into the home's own store. */
export async function seedProfiles(folders: HomeFolders, data: string, before?: number): Promise<number> {
  const nearline = nearlineOf(folders);
  try {
    return await seedInto((await nearline.stores()).profiles, folders, data, before);
  } finally {
    await nearline.close();
  }
}

/** Replaces the profiles of the data set's users; events at or after `before` (the watermark) stay out. Answers how many were written. */
export async function seedInto(store: ProfileStore, folders: HomeFolders, data: string, before = Number.MAX_SAFE_INTEGER): Promise<number> {
  const signal = stopSignal();
  const line = progressLine();
  const dataset = await openDataset(dataSetFolder(folders, data));
  try {
    await store.claim(storeMark(folders.subjectHashKey));
    const interactions = await dataset.loadInteractions(line.progress, signal);
    const { ids } = await dataset.loadCatalog();
    const users = await dataset.loadUsers();
    for (let from = 0; from < users.userCount; from += batchProfiles) {
      signal.throwIfAborted();
      const batch: SeededProfile[] = [];
      for (let user = from; user < Math.min(users.userCount, from + batchProfiles); user++) {
        const attributes = Object.fromEntries(userAttributes(users, user));
        const subject = users.ids[user]!;
        const profile = { ...emptyProfile(subject), attributes, events: heldEvents(interactions, user, before, ids) };
        batch.push({ key: subjectKey(subject, folders.subjectHashKey), profile });
      }
      await store.seed(batch);
      line.progress({ step: "profiles: seed", done: from + batch.length, total: users.userCount, unit: "users" });
    }
    return users.userCount;
  } finally {
    line.end();
    dataset.close();
  }
}
