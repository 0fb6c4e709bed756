/** Profiles in an lmdb file. Written by one profile service, readable by any process of the machine. */

import { type Database, open, type RootDatabase } from "lmdb";
import { applyEvents, emptyProfile, type Profile, reseedProfile } from "./profile.ts";
import { decodeProfile, encodeProfile } from "./profile-codec.ts";
import type { ProfileStore } from "./profile-store.ts";

/** Told of a stored record that cannot be read. Its bytes are kept under `broken`; its subject begins anew, and nobody else is held up. */
export type OnBroken = (subject: string, cause: unknown) => void;

/** Opens the store in `folder`, which is made. */
export function openLmdbProfileStore(folder: string, onBroken: OnBroken = () => undefined): ProfileStore {
  const root: RootDatabase<Buffer, string> = open({ path: folder, encoding: "binary", maxDbs: 4 });
  const profiles: Database<Buffer, string> = root.openDB("profiles", { encoding: "binary" });
  const positions: Database<number, string> = root.openDB("positions", { encoding: "json" });
  const broken: Database<Buffer, string> = root.openDB("broken", { encoding: "binary" });
  const read = (subject: string): Profile | null => {
    const bytes = profiles.get(subject);
    if (bytes === undefined) return null;
    try {
      return decodeProfile(subject, bytes);
    } catch (cause) {
      onBroken(subject, cause);
      return null;
    }
  };
  /** Inside a transaction: what cannot be read is put aside before it is written over. */
  const write = (before: Profile | null, after: Profile): void => {
    const bytes = before === null ? profiles.get(after.subject) : undefined;
    if (bytes !== undefined) void broken.put(after.subject, bytes);
    void profiles.put(after.subject, Buffer.from(encodeProfile(after)));
  };
  return {
    get: async (subjects) => subjects.map(read),
    apply: async (partition, batches, nextOffset) => {
      await root.transaction(() => {
        for (const { subject, events } of batches) {
          const held = read(subject);
          const before = held ?? emptyProfile(subject);
          const after = applyEvents(before, partition, events);
          if (after !== before) write(held, after);
        }
        if (nextOffset > (positions.get(partition) ?? 0)) void positions.put(partition, nextOffset);
      });
    },
    position: (partition) => positions.get(partition) ?? 0,
    seed: async (seeded) => {
      await root.transaction(() => {
        for (const profile of seeded) {
          const held = read(profile.subject);
          write(held, held === null ? profile : reseedProfile(held, profile));
        }
      });
      await profiles.flushed;
    },
    count: () => (profiles.getStats() as { entryCount: number }).entryCount,
    close: () => root.close(),
  };
}
