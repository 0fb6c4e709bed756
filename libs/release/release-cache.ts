/** Parts of releases on this machine, fetched from elsewhere: whole and with their sums, or not at all. */

import { createHash, type Hash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { draftPrefix } from "./draft-folder.ts";
import type { ReleaseFile, ReleaseManifest } from "./manifest.ts";
import type { PartReader } from "./part.ts";
import { openPart } from "./read-part.ts";
import { filesOf, isReleaseId } from "./store.ts";

export interface ReleaseCacheOptions {
  /** Made when the first part comes. Several processes may share it. */
  readonly folder: string;
  /** Opens a file of a part where it is fetched from; null where it is not there. */
  readonly open: (release: string, part: string, file: string) => Promise<Readable | null>;
}

export interface ReleaseCache {
  /** Fetched unless it is here, verified in any case. Throws as `openPart`, and `resource_exhausted` where the disk is full. */
  part(manifest: ReleaseManifest, part: string): Promise<PartReader>;
}

/** Kept: the serving release, the one before, and one that is loading. */
const releasesKept = 3;
/** Others that were opened lately stay as well: another process may be loading them. */
const restMs = 600_000;
/** What a killed download left is removed when it is so old. */
const draftMsMax = 3_600_000;

const lost = (release: string, part: string, reason: string, what: string, cause?: unknown): ModisteError =>
  new ModisteError("data_loss", reason, `release ${release}, part ${part}: ${what}`, { cause });

/** Ends a stream that is longer than it should be, so that a wrong object does not fill the disk. */
function counting(hash: Hash, bytesMax: number, tooLong: () => Error): Transform & { bytes: number } {
  const stream = Object.assign(
    new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        stream.bytes += chunk.length;
        if (stream.bytes > bytesMax) return done(tooLong());
        hash.update(chunk);
        done(null, chunk);
      },
    }),
    { bytes: 0 },
  );
  return stream;
}

/** What the disk refuses is told as what it is; what the source refuses, the source has told. */
function explain(cause: unknown, release: string, part: string, folder: string): unknown {
  if (cause instanceof ModisteError) return cause;
  const { code = "" } = cause as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG")
    return new ModisteError(
      "resource_exhausted",
      "disk_full",
      `release ${release}, part ${part}: no space is left for it in ${folder} (${code})`,
      {
        cause,
      },
    );
  if ((cause as NodeJS.ErrnoException).syscall !== undefined && (cause as NodeJS.ErrnoException).path !== undefined)
    return new ModisteError(
      "failed_precondition",
      "cache_folder",
      `release ${release}, part ${part}: ${folder} cannot be written (${code})`,
      {
        cause,
      },
    );
  return new ModisteError(
    "unavailable",
    "store_unreachable",
    `release ${release}, part ${part}: the download broke off (${code || String(cause)})`,
    {
      cause,
    },
  );
}

export function openReleaseCache({ folder, open }: ReleaseCacheOptions): ReleaseCache {
  const fetching = new Map<string, Promise<void>>();
  let isSwept = false;

  const fetchFile = async (release: string, part: string, file: ReleaseFile, into: string): Promise<void> => {
    const source = await open(release, part, file.name);
    if (source === null) throw lost(release, part, "release_file_missing", `${file.name} is not in the store`);
    const hash = createHash("sha256");
    const tooLong = (): Error =>
      lost(release, part, "release_file_size", `${file.name} is longer than the manifest says: ${file.bytes} bytes`);
    const counted = counting(hash, file.bytes, tooLong);
    await pipeline(source, counted, createWriteStream(join(into, file.name), { flush: true }));
    if (counted.bytes !== file.bytes)
      throw lost(release, part, "release_file_size", `${file.name} has ${counted.bytes} bytes, the manifest says ${file.bytes}`);
    if (hash.digest("hex") !== file.sha256)
      throw lost(release, part, "release_sum", `${file.name} does not have the SHA-256 of the manifest`);
  };

  /** Fetches beside and renames: who looks finds the whole part or none. */
  const fetchPart = async (manifest: ReleaseManifest, part: string): Promise<void> => {
    const { id } = manifest;
    const draft = join(folder, `${draftPrefix}${id}-${part}-${randomBytes(6).toString("hex")}`);
    const refuse = (cause: unknown): never => {
      throw explain(cause, id, part, folder);
    };
    await mkdir(draft, { recursive: true }).catch(refuse);
    try {
      await mkdir(join(folder, id), { recursive: true });
      for (const file of filesOf(manifest, part)) await fetchFile(id, part, file, draft);
      await rename(draft, join(folder, id, part)).catch((cause: NodeJS.ErrnoException) => {
        // Another process was faster: its part has the same sums.
        if (cause.code !== "ENOTEMPTY" && cause.code !== "EEXIST") throw cause;
      });
    } catch (cause) {
      refuse(cause);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  };

  const ageMs = async (path: string): Promise<number> => {
    // Gone in the meantime: as old as can be, for it is removed already.
    const mtimeMs = await stat(path).then(
      (found) => found.mtimeMs,
      () => 0,
    );
    return systemClock.nowSeconds() * 1000 - mtimeMs;
  };

  /** Removes what was opened least lately, and once what killed downloads left. */
  const sweep = async (): Promise<void> => {
    const names = await readdir(folder);
    const aged = await Promise.all(names.map(async (name) => ({ name, age: await ageMs(join(folder, name)) })));
    const releases = aged.filter(({ name }) => isReleaseId(name)).sort((a, b) => a.age - b.age);
    const old = releases.slice(releasesKept).filter(({ age }) => age > restMs);
    const drafts = isSwept ? [] : aged.filter(({ name, age }) => name.startsWith(draftPrefix) && age > draftMsMax);
    isSwept = true;
    for (const { name } of [...old, ...drafts]) await rm(join(folder, name), { recursive: true, force: true });
  };

  const fetchOnce = async (manifest: ReleaseManifest, part: string): Promise<void> => {
    const key = `${manifest.id}/${part}`;
    const known = fetching.get(key);
    if (known !== undefined) return known;
    const fetched = fetchPart(manifest, part).then(sweep);
    fetching.set(key, fetched);
    try {
      await fetched;
    } finally {
      fetching.delete(key);
    }
  };

  const isHere = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );

  return {
    part: async (manifest, part) => {
      const path = join(folder, manifest.id, part);
      const at = { release: manifest.id, part, folder: path, files: filesOf(manifest, part) };
      const touch = async (): Promise<void> => {
        const now = systemClock.nowSeconds();
        await utimes(join(folder, manifest.id), now, now);
      };
      if (await isHere(path)) {
        try {
          await touch();
          return await openPart(at);
        } catch {
          // Damaged on this disk, or of a manifest that was mended since: what the store has decides.
          await rm(path, { recursive: true, force: true });
        }
      }
      await fetchOnce(manifest, part);
      await touch();
      return openPart(at);
    },
  };
}
