/**
 * Releases in a bucket: `<prefix>/<id>/manifest.json`, the files of each part below `<prefix>/<id>/<part>/`, `<prefix>/current`, and an object for
 * each change below `<prefix>/changes/`. A release is there when its manifest is, which is written last; `current` is replaced by one write that
 * holds only if nobody else has. Parts are read from a cache folder.
 */

import { createHash, randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { createDraftFolder, draftPrefix } from "./draft-folder.ts";
import { parseManifest, type ReleaseManifest } from "./manifest.ts";
import { openReleaseCache } from "./release-cache.ts";
import { openS3Bucket, type S3Bucket, type S3Object, type S3Settings, type WriteCondition } from "./s3-bucket.ts";
import { openChangeLog } from "./s3-changes.ts";
import {
  checkId,
  isReleaseId,
  manifestText,
  parseCurrent,
  type ReleaseDraft,
  type ReleaseStore,
  releaseExists,
  releaseMissing,
} from "./store.ts";

export interface S3StoreOptions extends S3Settings {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** Folder for fetched parts and for drafts. */
  readonly cacheFolder: string;
}

interface Place {
  readonly location: string;
  readonly bucket: S3Bucket;
  readonly cacheFolder: string;
  /** The key of a path below the prefix. */
  key(...path: readonly string[]): string;
}

function createDraft({ location, bucket, cacheFolder, key }: Place, id: string): ReleaseDraft {
  const folder = join(cacheFolder, `${draftPrefix}${id}-${randomBytes(6).toString("hex")}`);
  const { parts, writePart, readPart } = createDraftFolder(folder, id);
  const uploaded: string[] = [];
  return {
    writePart,
    readPart,
    finish: async (describe) => {
      const manifest = describe(parts);
      const manifestKey = key(id, "manifest.json");
      if ((await bucket.read(manifestKey)) !== null) throw releaseExists(id, location);
      for (const [part, { files }] of Object.entries(parts)) {
        for (const { name } of files) {
          const fileKey = key(id, part, name);
          uploaded.push(fileKey);
          await bucket.upload(fileKey, join(folder, part, name));
        }
      }
      const text = manifestText(manifest);
      if (!(await bucket.write(manifestKey, text, { nothingThere: true }))) {
        // A write that was answered too late is tried again by the client, and meets itself.
        const there = await bucket.read(manifestKey);
        if (there === null || there === "same" || there.text !== text) throw releaseExists(id, location);
      }
      uploaded.length = 0;
      await rm(folder, { recursive: true, force: true });
      return manifest;
    },
    discard: async () => {
      await rm(folder, { recursive: true, force: true });
      for (const fileKey of uploaded.splice(0)) await bucket.remove(fileKey);
    },
  };
}

export function openS3Store(options: S3StoreOptions): ReleaseStore {
  const { prefix } = options;
  const location = `s3://${options.bucket}${prefix === "" ? "" : `/${prefix}`}`;
  const bucket = openS3Bucket(options.bucket, options);
  const key = (...path: readonly string[]): string => [...(prefix === "" ? [] : [prefix]), ...path].join("/");
  // One folder for each store: two buckets may have releases of one id.
  const folder = join(
    options.cacheFolder,
    createHash("sha256")
      .update(`${options.endpoint ?? ""} ${location}`)
      .digest("hex")
      .slice(0, 12),
  );
  const place: Place = { location, bucket, cacheFolder: folder, key };
  const cache = openReleaseCache({ folder, open: (release, part, file) => bucket.stream(key(release, part, file)) });
  const currentKey = key("current");
  const log = openChangeLog(bucket, key("changes", ""));
  /** Only what changed since is read. */
  let seen: S3Object | null = null;
  const readCurrent = async (): Promise<S3Object | null> => {
    const read = await bucket.read(currentKey, seen?.etag);
    if (read !== "same") seen = read;
    return seen;
  };
  const readManifest = async (id: string): Promise<{ manifest: ReleaseManifest; etag: string }> => {
    const read = await bucket.read(key(checkId(id), "manifest.json"));
    if (read === null || read === "same") throw releaseMissing(id, location);
    return { manifest: parseManifest(read.text, id), etag: read.etag };
  };
  const store: ReleaseStore = {
    location,
    lookMs: 5000,
    current: async () => parseCurrent((await readCurrent())?.text ?? null, location),
    list: async () => {
      const manifests = (await bucket.keys(prefix === "" ? "" : key(""))).flatMap((name) => {
        const [id = "", file, ...deeper] = name.slice(prefix === "" ? 0 : prefix.length + 1).split("/");
        return file === "manifest.json" && deeper.length === 0 && isReleaseId(id) ? [id] : [];
      });
      return manifests.sort();
    },
    manifest: async (id) => (await readManifest(id)).manifest,
    part: (manifest, part) => cache.part(manifest, part),
    create: async (id) => {
      await mkdir(folder, { recursive: true });
      return createDraft(place, checkId(id));
    },
    promote: async (id, change = "promote") => {
      await readManifest(id);
      const before = await readCurrent();
      const from = parseCurrent(before?.text ?? null, location);
      const condition: WriteCondition = before === null ? { nothingThere: true } : { still: before.etag };
      // Before the swap: a change that was made but not noted could not be taken back.
      const noted = await log.add({ release: id, change, from, at_seconds: Math.floor(systemClock.nowSeconds()) });
      if (await bucket.write(currentKey, `${id}\n`, condition)) return;
      const now = await store.current();
      // The write was answered too late, tried again by the client, and met itself.
      if (now === id) return;
      await log.remove(noted);
      throw new ModisteError("aborted", "promoted_meanwhile", `${id} does not serve: ${now} was promoted at the same time in ${location}`);
    },
    amend: async (id, promotion) => {
      const { manifest, etag } = await readManifest(id);
      const amended = { ...manifest, promotion };
      if (await bucket.write(key(id, "manifest.json"), manifestText(amended), { still: etag })) return amended;
      throw new ModisteError("aborted", "amended_meanwhile", `the decision on release ${id} was written at the same time in ${location}`);
    },
    changes: () => log.list(),
  };
  return store;
}
