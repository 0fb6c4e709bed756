/** The archive's folder: Parquet files by topic and partition, and how far each partition has been archived. */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ModisteError } from "#libs/core/errors.ts";

const format = 1;
const positionsSchema = z.object({
  format: z.literal(format),
  /** Next offset by table, then by "<epoch>/<partition>". */
  next: z.record(z.string(), z.record(z.string(), z.number().int().nonnegative())),
});

export const archiveTables = ["events", "served"] as const;
export type ArchiveTable = (typeof archiveTables)[number];

export interface ArchiveFile {
  readonly path: string;
  readonly partition: string;
  /** Offset of its first record, and the one after its last. */
  readonly from: number;
  readonly next: number;
}

export interface ArchiveFolder {
  readonly path: string;
  position(table: ArchiveTable, partition: string): number;
  /** Files by partition and offset, those alone that the positions vouch for. */
  files(table: ArchiveTable): ArchiveFile[];
  /** Where a file of these records goes; its folder is made. */
  fileFor(table: ArchiveTable, partition: string, from: number, next: number): string;
  /** Moves positions forward, in one rename: files count from then on. */
  commit(table: ArchiveTable, next: ReadonlyMap<string, number>): void;
}

/** A slash is no letter of a folder's name; a partition has exactly one. */
const folderOf = (partition: string): string => partition.replace("/", "~");
const partitionOf = (folder: string): string => folder.replace("~", "/");
const digits = (offset: number): string => String(offset).padStart(14, "0");
const filePattern = /^(\d{14})-(\d{14})\.parquet$/;

/** Opens the archive in `path`, which is made. Throws `data_loss` naming the file when the positions cannot be read. */
export function openArchiveFolder(path: string): ArchiveFolder {
  mkdirSync(path, { recursive: true });
  const positionsFile = join(path, "positions.json");
  const next = existsSync(positionsFile) ? readPositions(positionsFile) : {};
  const position = (table: ArchiveTable, partition: string): number => next[table]?.[partition] ?? 0;
  const found = (table: ArchiveTable): ArchiveFile[] => {
    const root = join(path, table);
    if (!existsSync(root)) return [];
    return readdirSync(root)
      .sort()
      .flatMap((folder) =>
        readdirSync(join(root, folder))
          .sort()
          .flatMap((name) => {
            const [, from, end] = filePattern.exec(name) ?? [];
            if (from === undefined) return [];
            return [{ path: join(root, folder, name), partition: partitionOf(folder), from: Number(from), next: Number(end) }];
          }),
      );
  };
  // What a run that was broken off wrote but did not vouch for.
  for (const table of archiveTables) {
    for (const file of found(table)) if (file.next > position(table, file.partition)) rmSync(file.path);
  }
  return {
    path,
    position,
    files: found,
    fileFor: (table, partition, from, end) => {
      const folder = join(path, table, folderOf(partition));
      mkdirSync(folder, { recursive: true });
      return join(folder, `${digits(from)}-${digits(end)}.parquet`);
    },
    commit: (table, moved) => {
      next[table] = { ...next[table], ...Object.fromEntries(moved) };
      writeFileSync(`${positionsFile}.new`, `${JSON.stringify({ format, next }, null, 2)}\n`);
      renameSync(`${positionsFile}.new`, positionsFile);
    },
  };
}

function readPositions(file: string): Record<string, Record<string, number>> {
  try {
    return positionsSchema.parse(JSON.parse(readFileSync(file, "utf8"))).next;
  } catch (cause) {
    throw new ModisteError("data_loss", "archive_broken", `${file} does not say how far the archive goes`, { cause, field: file });
  }
}
