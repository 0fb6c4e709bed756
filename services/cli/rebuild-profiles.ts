/** Profiles and counters from the beginning: what was seeded, then what the archive holds; the log behind it is the profile service's. */

import { ModisteError } from "#libs/core/errors.ts";
import type { Stores } from "#libs/serve/nearline.ts";
import { subjectKey } from "#libs/store/subject-key.ts";
import { loadProfileParts } from "../fleet.ts";
import type { Archive } from "./archive/archive-folder.ts";
import { archivedEvents } from "./archive/read-archive.ts";
import type { HomeFolders } from "./home.ts";
import { seedInto } from "./seed-profiles.ts";
import { progressLine } from "./terminal.ts";

export interface RebuildOptions {
  readonly folders: HomeFolders;
  /** Data set of the seed, and the instant from which on it is left out. */
  readonly data: string;
  readonly before: number | undefined;
  readonly archive: Archive;
  /** Empty ones. */
  readonly into: Pick<Stores, "profiles" | "counters">;
}

export interface Rebuilt {
  readonly seeded: number;
  /** Records of the archive. */
  readonly applied: number;
}

/** Throws `failed_precondition` when the stores hold something: what stands there would be mixed in. */
export async function rebuildProfiles({ folders, data, before, archive, into }: RebuildOptions): Promise<Rebuilt> {
  if ((await into.profiles.count()) > 0)
    throw new ModisteError("failed_precondition", "store_not_empty", "the store to rebuild into holds profiles: give an empty one");
  const { applyArchived } = await loadProfileParts();
  const parts = { ...into, keyOf: (subject: string) => subjectKey(subject, folders.subjectHashKey) };
  const seeded = await seedInto(into.profiles, folders, data, before);
  const line = progressLine();
  const total = archive.files("events").reduce((sum, file) => sum + file.next - file.from, 0);
  let applied = 0;
  try {
    for await (const { partition, from, next, entries } of archivedEvents(archive)) {
      await applyArchived(partition, entries, { from, next }, parts);
      applied += entries.length;
      line.progress({ step: "profiles: archive", done: applied, total, unit: "records" });
    }
  } finally {
    line.end();
  }
  return { seeded, applied };
}
