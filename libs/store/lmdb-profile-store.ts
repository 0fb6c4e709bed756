/** Profiles in an lmdb file. Written by one profile service, readable by any process of the machine. */

import { type Database, open, type RootDatabase } from "lmdb";
import { ModisteError } from "#libs/core/errors.ts";
import { positionLost } from "./position-lost.ts";
import { applyChanges, emptyProfile, type Profile, reseedProfile } from "./profile.ts";
import { decodeProfile, encodeProfile } from "./profile-codec.ts";
import type { ProfileStore } from "./profile-store.ts";

/** Told of a stored record that cannot be read. Its bytes are kept under `broken`; its subject begins anew, and nobody else is held up. */
export type OnBroken = (key: string, cause: unknown) => void;

const markKey = "mark";

/** Opens the store in `folder`, which is made. */
export function openLmdbProfileStore(folder: string, onBroken: OnBroken = () => undefined): ProfileStore {
  const root: RootDatabase<string, string> = open({ path: folder, encoding: "string", maxDbs: 8 });
  const profiles: Database<Buffer, string> = root.openDB("by-key", { encoding: "binary" });
  const positions: Database<number, string> = root.openDB("positions", { encoding: "json" });
  const broken: Database<Buffer, string> = root.openDB("broken", { encoding: "binary" });
  const read = (key: string): Profile | null => {
    const bytes = profiles.get(key);
    if (bytes === undefined) return null;
    try {
      return decodeProfile(bytes);
    } catch (cause) {
      onBroken(key, cause);
      return null;
    }
  };
  /** Inside a transaction: what cannot be read is put aside before it is written over. */
  const write = (key: string, before: Profile | null, after: Profile): void => {
    const bytes = before === null ? profiles.get(key) : undefined;
    if (bytes !== undefined) void broken.put(key, bytes);
    void profiles.put(key, Buffer.from(encodeProfile(after)));
  };
  const positionOf = (partition: string): number => positions.get(partition) ?? 0;
  return {
    get: async (keys) => keys.map(read),
    apply: (partition, batches, { from, next }) =>
      root.transaction(() => {
        if (positionOf(partition) < from) throw positionLost(partition, positionOf(partition), from);
        const applied = batches.map(({ key, changes }) => {
          const held = read(key);
          const before = held ?? emptyProfile();
          const after = applyChanges(before, partition, changes);
          if (after !== before) write(key, held, after);
          return after;
        });
        if (next > positionOf(partition)) void positions.put(partition, next);
        return applied;
      }),
    position: async (partition) => positionOf(partition),
    seed: async (seeded) => {
      await root.transaction(() => {
        for (const { key, profile } of seeded) {
          const held = read(key);
          write(key, held, held === null ? profile : reseedProfile(held, profile));
        }
      });
      await profiles.flushed;
    },
    claim: async (mark) => {
      const held = await root.transaction(() => {
        const known = root.get(markKey);
        if (known === undefined) void root.put(markKey, mark);
        return known ?? mark;
      });
      if (held !== mark) throw otherKey(folder);
      const byName = root.openDB<Buffer, string>("profiles", { encoding: "binary" });
      if (entries(byName) > 0 && entries(profiles) === 0) throw outdated(folder);
    },
    all: async function* () {
      for (const { key } of profiles.getRange()) {
        const profile = read(key);
        if (profile !== null) yield [key, profile] as const;
      }
    },
    count: async () => entries(profiles),
    close: () => root.close(),
  };
}

const entries = (database: Database<Buffer, string>): number => (database.getStats() as { entryCount: number }).entryCount;

const otherKey = (folder: string): ModisteError =>
  new ModisteError("failed_precondition", "other_key", `the profiles in ${folder} were written under another MODISTE_SUBJECT_HASH_KEY`);

const outdated = (folder: string): ModisteError =>
  new ModisteError(
    "failed_precondition",
    "profiles_outdated",
    `the profiles in ${folder} stand under plain user ids, as before keys were hashed: remove the folder and run modiste profiles seed`,
  );
