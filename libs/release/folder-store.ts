/** Releases in a folder: `<root>/<id>/manifest.json`, one folder a part, and the file `current` that names the serving one. Looking writes nothing. */

import { appendFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { createDraftFolder, draftPrefix } from "./draft-folder.ts";
import { parseManifest } from "./manifest.ts";
import { openPart } from "./read-part.ts";
import {
  checkId,
  filesOf,
  isReleaseId,
  manifestText,
  parseChange,
  parseCurrent,
  type ReleaseChange,
  type ReleaseDraft,
  type ReleaseStore,
  releaseExists,
  releaseMissing,
} from "./store.ts";

const changesFile = "changes.ndjson";

/** A rename is durable only when its folder is synced. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What a volume answers that is not there, is not ours to read, or has failed. */
const unreachable = (path: string, cause: NodeJS.ErrnoException): ModisteError =>
  new ModisteError("unavailable", "store_unreachable", `${path} cannot be read (${cause.code ?? cause.message})`, { cause });

async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unreachable(path, cause as NodeJS.ErrnoException);
  }
}

function createDraft(root: string, id: string): ReleaseDraft {
  const folder = join(root, draftPrefix + id);
  const { parts, writePart, readPart } = createDraftFolder(folder, id);
  return {
    writePart,
    readPart,
    finish: async (describe) => {
      const manifest = describe(parts);
      await writeFile(join(folder, "manifest.json"), manifestText(manifest), { flush: true });
      for (const part of Object.keys(parts)) await syncFolder(join(folder, part));
      await syncFolder(folder);
      await rename(folder, join(root, id)).catch((cause: NodeJS.ErrnoException) => {
        throw cause.code === "ENOTEMPTY" || cause.code === "EEXIST" ? releaseExists(id, root) : cause;
      });
      await syncFolder(root);
      return manifest;
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

export function openFolderStore(root: string): ReleaseStore {
  const store: ReleaseStore = {
    location: root,
    lookMs: 500,
    current: async () => parseCurrent(await readOptional(join(root, "current")), root),
    list: async () => {
      const names = await readdir(root).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return [];
        throw unreachable(root, cause);
      });
      return names.filter(isReleaseId).sort();
    },
    manifest: async (id) => {
      const text = await readOptional(join(root, checkId(id), "manifest.json"));
      if (text === null) throw releaseMissing(id, root);
      return parseManifest(text, id);
    },
    part: async (manifest, part) =>
      openPart({ release: manifest.id, part, folder: join(root, manifest.id, part), files: filesOf(manifest, part) }),
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
