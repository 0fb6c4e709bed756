/** Profiles in an lmdb file. Written by one profile service, readable by any process of the machine. */

import { type Database, open, type RootDatabase } from "lmdb";
import { applyEvents, emptyProfile, type Profile } from "./profile.ts";
import { decodeProfile, encodeProfile } from "./profile-codec.ts";
import type { ProfileStore } from "./profile-store.ts";

/** Opens the store in `folder`, which is made. */
export function openLmdbProfileStore(folder: string): ProfileStore {
  const root: RootDatabase<Buffer, string> = open({ path: folder, encoding: "binary", maxDbs: 4 });
  const profiles: Database<Buffer, string> = root.openDB("profiles", { encoding: "binary" });
  const positions: Database<number, string> = root.openDB("positions", { encoding: "json" });
  const read = (subject: string): Profile | null => {
    const bytes = profiles.get(subject);
    return bytes === undefined ? null : decodeProfile(subject, bytes);
  };
  return {
    get: async (subjects) => subjects.map(read),
    apply: async (partition, batches, nextOffset) => {
      await root.transaction(() => {
        for (const { subject, events } of batches) {
          const before = read(subject) ?? emptyProfile(subject);
          const after = applyEvents(before, partition, events);
          if (after !== before) void profiles.put(subject, Buffer.from(encodeProfile(after)));
        }
        if (nextOffset > (positions.get(partition) ?? 0)) void positions.put(partition, nextOffset);
      });
    },
    position: (partition) => positions.get(partition) ?? 0,
    seed: async (seeded) => {
      await root.transaction(() => {
        for (const profile of seeded) void profiles.put(profile.subject, Buffer.from(encodeProfile(profile)));
      });
      await profiles.flushed;
    },
    count: () => (profiles.getStats() as { entryCount: number }).entryCount,
    close: () => root.close(),
  };
}
