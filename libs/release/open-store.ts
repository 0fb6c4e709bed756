/** Opens the store that a location names: a folder, or a bucket of S3. */

import { openFolderStore } from "./folder-store.ts";
import type { S3Settings } from "./s3-bucket.ts";
import { openS3Store } from "./s3-store.ts";
import type { ReleaseStore } from "./store.ts";

export interface ReleaseStoreOptions {
  /** Path of a folder, or "s3://<bucket>/<prefix>". */
  readonly location: string;
  /** Not read for a folder. */
  readonly s3: S3Settings;
  /** Where parts from a bucket are kept on this machine. */
  readonly cacheFolder: string;
}

/** What a location may be, for people. */
export const locationForms = "a folder, or s3://<bucket>/<prefix>";

const bucketForm = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w!.*'()/-]*))?$/;

/** Bucket and prefix, without slashes at its ends; null for what is no such location. */
function parseBucket(location: string): { readonly bucket: string; readonly prefix: string } | null {
  const [whole, bucket = "", prefix = ""] = bucketForm.exec(location) ?? [];
  if (whole === undefined || prefix.includes("//")) return null;
  return { bucket, prefix: prefix.replace(/^\/|\/$/g, "") };
}

export const isReleaseLocation = (location: string): boolean => !location.includes("://") || parseBucket(location) !== null;

/** Asks nothing of the store yet. The location is one. */
export function openReleaseStore({ location, s3, cacheFolder }: ReleaseStoreOptions): ReleaseStore {
  const place = parseBucket(location);
  return place === null ? openFolderStore(location) : openS3Store({ ...place, ...s3, cacheFolder });
}
