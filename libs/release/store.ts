/** The port of release stores: a folder and an S3 bucket implement it, under one contract. */

import { z } from "zod";
import { ModisteError } from "#libs/core/errors.ts";
import type { Promotion, ReleaseFile, ReleaseManifest } from "./manifest.ts";
import type { PartReader, PartWriter } from "./part.ts";

export interface ReleaseStore {
  /** For people: the folder, or "s3://bucket/prefix". */
  readonly location: string;
  /** Milliseconds between two looks at `current` that the store is meant for. */
  readonly lookMs: number;
  /** Id of the serving release, null before the first. */
  current(): Promise<string | null>;
  /** Ids, oldest first. */
  list(): Promise<string[]>;
  manifest(id: string): Promise<ReleaseManifest>;
  /** Opens and verifies a part. Throws `data_loss` naming release, part and what is wrong. */
  part(manifest: ReleaseManifest, part: string): Promise<PartReader>;
  /** Starts a release that nobody sees before it is finished. */
  create(id: string): Promise<ReleaseDraft>;
  /**
   * Makes a finished release the serving one, atomically, and remembers that it did. Throws `aborted` where the store knows that another was
   * promoted in the meantime.
   */
  promote(id: string, change?: ReleaseChange["change"]): Promise<void>;
  /** Replaces the promotion decision of a finished release, atomically; its parts never change. */
  amend(id: string, promotion: Promotion): Promise<ReleaseManifest>;
  /** Every change of the serving release, oldest first. */
  changes(): Promise<ReleaseChange[]>;
}

const changeSchema = z.object({
  release: z.string(),
  change: z.enum(["promote", "rollback"]),
  /** What served when it was written. */
  from: z.string().nullable(),
  at_seconds: z.number(),
});

/** What is noted of one change of the serving release. */
export type ReleaseChange = Readonly<z.infer<typeof changeSchema>>;

export interface ReleaseDraft {
  /** Writes one part and closes it. */
  writePart(name: string, write: (part: PartWriter) => Promise<void>): Promise<void>;
  /** A reader of a part already written, as services will see it. */
  readPart(name: string): Promise<PartReader>;
  /**
   * Writes the manifest, which `describe` makes from the files by part, and shows the release to all. Throws `already_exists` where there is one
   * of its id: a release is written once.
   */
  finish(describe: (parts: WrittenParts) => ReleaseManifest): Promise<ReleaseManifest>;
  /** Removes what `finish` did not make a release. */
  discard(): Promise<void>;
}

export type WrittenParts = Record<string, { files: ReleaseFile[] }>;

/** Null for a note that was cut when the machine went down. */
export function parseChange(line: string): ReleaseChange | null {
  try {
    return changeSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Names that stand beside releases. */
const reserved: readonly string[] = ["current", "changes", "changes.ndjson"];

export const isReleaseId = (name: string): boolean => idPattern.test(name) && !reserved.includes(name);

export function checkId(id: string): string {
  if (!isReleaseId(id))
    throw new ModisteError("invalid_argument", "release_id", `"${id}" is not the id of a release`, { field: "release" });
  return id;
}

/** The id in `current`; null where there is no `current`. Throws `data_loss` where it names no release at all. */
export function parseCurrent(text: string | null, location: string): string | null {
  const id = text?.trim() ?? "";
  if (id === "") return null;
  if (isReleaseId(id)) return id;
  throw new ModisteError("data_loss", "current_broken", `current in ${location} does not name a release: "${id.slice(0, 64)}"`);
}

export const manifestText = (manifest: ReleaseManifest): string => `${JSON.stringify(manifest, null, 2)}\n`;

export const releaseMissing = (id: string, location: string): ModisteError =>
  new ModisteError("not_found", "release_missing", `release ${id} is not in ${location}`);

export const releaseExists = (id: string, location: string): ModisteError =>
  new ModisteError("already_exists", "release_exists", `release ${id} is in ${location} already, and a release is written once`);

/** The files that the manifest lists for a part. Throws `data_loss` where it lists no such part. */
export function filesOf(manifest: ReleaseManifest, part: string): readonly ReleaseFile[] {
  const listed = manifest.parts[part];
  if (!listed) throw new ModisteError("data_loss", "part_missing", `release ${manifest.id} has no part ${part}`);
  return listed.files;
}

/** Faults of a store itself: they say nothing about the release that was asked for. */
const storeFaults: readonly string[] = ["store_unreachable", "store_refused", "store_misplaced"];

/** The store could not be asked: what serves goes on, and whoever asked tries again. */
export const isStoreFault = (error: ModisteError): boolean => storeFaults.includes(error.reason);
