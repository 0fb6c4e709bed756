/** Releases in a folder: `<root>/<id>/manifest.json`, one folder a part, and the file `current` that names the serving one. */

import { appendFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { type Promotion, parseManifest, type ReleaseFile, type ReleaseManifest } from "./manifest.ts";
import type { PartReader, PartWriter } from "./part.ts";
import { openPart } from "./read-part.ts";
import { createPartWriter } from "./write-part.ts";

/** The port that an object store implements as well. */
export interface ReleaseStore {
  /** Id of the serving release, null before the first. */
  current(): Promise<string | null>;
  /** Ids, oldest first. */
  list(): Promise<string[]>;
  manifest(id: string): Promise<ReleaseManifest>;
  /** Opens and verifies a part. Throws `data_loss` naming release, part and what is wrong. */
  part(manifest: ReleaseManifest, part: string): Promise<PartReader>;
  /** Starts a release that nobody sees before `publish`. */
  create(id: string): Promise<ReleaseDraft>;
  /** Makes a finished release the serving one, atomically, and remembers that it did. */
  promote(id: string, change?: ReleaseChange["change"]): Promise<void>;
  /** Replaces the promotion decision of a finished release, atomically; its parts never change. */
  amend(id: string, promotion: Promotion): Promise<ReleaseManifest>;
  /** Every change of the serving release, oldest first. */
  changes(): Promise<ReleaseChange[]>;
}

/** One line of `changes.ndjson`. */
export interface ReleaseChange {
  readonly release: string;
  readonly change: "promote" | "rollback";
  /** What served when the line was written. */
  readonly from: string | null;
  readonly at_seconds: number;
}

export interface ReleaseDraft {
  /** Writes one part and closes it. */
  writePart(name: string, write: (part: PartWriter) => Promise<void>): Promise<void>;
  /** A reader of a part already written, as services will see it. */
  readPart(name: string): Promise<PartReader>;
  /** Writes the manifest, which `describe` makes from the files by part, and gives the folder its name. */
  finish(describe: (parts: Record<string, { files: ReleaseFile[] }>) => ReleaseManifest): Promise<ReleaseManifest>;
  discard(): Promise<void>;
}

const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const draftPrefix = ".draft-";
const changesFile = "changes.ndjson";

function checkId(id: string): string {
  if (!idPattern.test(id))
    throw new ModisteError("invalid_argument", "release_id", `"${id}" is not the id of a release`, { field: "release" });
  return id;
}

/** A rename is durable only when its folder is synced. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const manifestText = (manifest: ReleaseManifest): string => `${JSON.stringify(manifest, null, 2)}\n`;

async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw cause;
  }
}

function createDraft(root: string, id: string): ReleaseDraft {
  const folder = join(root, draftPrefix + id);
  const parts: Record<string, { files: ReleaseFile[] }> = {};
  return {
    writePart: async (name, write) => {
      const part = await createPartWriter(join(folder, name));
      await write(part);
      parts[name] = { files: await part.finish() };
    },
    readPart: async (name) => {
      const written = parts[name];
      if (!written) throw new ModisteError("failed_precondition", "part_missing", `part ${name} is not written yet`);
      return openPart({ release: id, part: name, folder: join(folder, name), files: written.files });
    },
    finish: async (describe) => {
      const manifest = describe(parts);
      await writeFile(join(folder, "manifest.json"), manifestText(manifest), { flush: true });
      for (const part of Object.keys(parts)) await syncFolder(join(folder, part));
      await syncFolder(folder);
      await rename(folder, join(root, id));
      await syncFolder(root);
      return manifest;
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

const changeSchema = z.object({
  release: z.string(),
  change: z.enum(["promote", "rollback"]),
  from: z.string().nullable(),
  at_seconds: z.number(),
});

/** Null for a line that was cut when the machine went down. */
function parseChange(line: string): ReleaseChange | null {
  try {
    return changeSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

export function openFolderStore(root: string): ReleaseStore {
  const store: ReleaseStore = {
    current: async () => (await readOptional(join(root, "current")))?.trim() || null,
    list: async () => {
      const names = await readdir(root).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return [];
        throw cause;
      });
      return names.filter((name) => idPattern.test(name) && name !== "current" && name !== changesFile).sort();
    },
    manifest: async (id) => {
      const text = await readOptional(join(root, checkId(id), "manifest.json"));
      if (text === null) throw new ModisteError("not_found", "release_missing", `release ${id} is not in ${root}`);
      return parseManifest(text, id);
    },
    part: async (manifest, part) => {
      const listed = manifest.parts[part];
      if (!listed) throw new ModisteError("data_loss", "part_missing", `release ${manifest.id} has no part ${part}`);
      return openPart({ release: manifest.id, part, folder: join(root, manifest.id, part), files: listed.files });
    },
    create: async (id) => {
      await mkdir(root, { recursive: true });
      const draft = createDraft(root, checkId(id));
      await draft.discard();
      return draft;
    },
    promote: async (id, change = "promote") => {
      await store.manifest(id);
      const next = join(root, `.current-${id}`);
      await writeFile(next, `${id}\n`, { flush: true });
      const line: ReleaseChange = { release: id, change, from: await store.current(), at_seconds: Math.floor(systemClock.nowSeconds()) };
      // Before the swap: a change that was made but not noted could not be taken back. What was noted but not made tells itself apart by
      // the next line's `from`. The line feed in front parts it from one that was cut.
      await appendFile(join(root, changesFile), `\n${JSON.stringify(line)}\n`, { flush: true });
      await rename(next, join(root, "current"));
      await syncFolder(dirname(next));
    },
    amend: async (id, promotion) => {
      const amended = { ...(await store.manifest(id)), promotion };
      const next = join(root, id, ".manifest.json");
      await writeFile(next, manifestText(amended), { flush: true });
      await rename(next, join(root, id, "manifest.json"));
      await syncFolder(join(root, id));
      return amended;
    },
    changes: async () => {
      const lines = (await readOptional(join(root, changesFile)))?.split("\n").filter((line) => line !== "") ?? [];
      return lines.flatMap((line) => parseChange(line) ?? []);
    },
  };
  return store;
}
