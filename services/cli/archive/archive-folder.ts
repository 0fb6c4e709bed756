/** The archive's folder: Parquet files by topic and partition, and how far each partition has been archived. */

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { isRunning } from "#libs/core/running.ts";

const format = 1;
const count = z.number().int().nonnegative();
const positionsSchema = z.object({
  format: z.literal(format),
  /** Next offset by table, then by "<epoch>/<partition>". */
  next: z.record(z.string(), z.record(z.string(), count)),
  /** Whether all files have been cleared of who asked to be forgotten since the last of them was written. */
  cleared: z.boolean(),
});
type Positions = z.infer<typeof positionsSchema>;

export const archiveTables = ["events", "served"] as const;
export type ArchiveTable = (typeof archiveTables)[number];

export interface ArchiveFile {
  readonly path: string;
  readonly partition: string;
  /** Offset of its first record, and the one after its last. */
  readonly from: number;
  readonly next: number;
}

export interface Archive {
  readonly path: string;
  /** Files by partition and offset, those alone that the positions vouch for. */
  files(table: ArchiveTable): ArchiveFile[];
  /** Whether all files have been cleared of who asked to be forgotten since the last of them was written. */
  readonly cleared: boolean;
}

/** The archive of its one writer. */
export interface WritableArchive extends Archive {
  position(table: ArchiveTable, partition: string): number;
  /** Where a file of these records goes; its folder is made. */
  fileFor(table: ArchiveTable, partition: string, from: number, next: number): string;
  /** Moves positions forward, in one rename: the files, which are flushed before, count from then on. */
  commit(table: ArchiveTable, written: readonly ArchiveFile[]): void;
  commitCleared(): void;
  /** Lets the next writer in. */
  close(): void;
}

const positionsName = "positions.json";
/** A writer touches its lock so often; after the silence of several beats it is gone. */
const beatMs = 30_000;
const silentMs = 10 * beatMs;
/** A slash is no letter of a folder's name; a partition has exactly one. */
const folderOf = (partition: string): string => partition.replace("/", "~");
const partitionOf = (folder: string): string => folder.replace("~", "/");
const digits = (offset: number): string => String(offset).padStart(14, "0");
const filePattern = /^(\d{14})-(\d{14})\.parquet$/;

function filesIn(path: string, table: ArchiveTable): ArchiveFile[] {
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
}

const positionIn = ({ next }: Positions, table: ArchiveTable, partition: string): number => next[table]?.[partition] ?? 0;

const vouchedFor = (path: string, positions: Positions, table: ArchiveTable): ArchiveFile[] =>
  filesIn(path, table).filter((file) => file.next <= positionIn(positions, table, file.partition));

/** To read; a writer may be at work. Throws `not_found` without an archive, `data_loss` naming the file when the positions cannot be read. */
export function openArchive(path: string): Archive {
  if (!existsSync(join(path, positionsName))) {
    if (archiveTables.some((table) => filesIn(path, table).length > 0)) throw broken(join(path, positionsName));
    throw new ModisteError("not_found", "archive_missing", `there is no archive in ${path}: modiste events archive`, { field: path });
  }
  const positions = readPositions(join(path, positionsName));
  return { path, files: (table) => vouchedFor(path, positions, table), cleared: positions.cleared };
}

/**
 * To write, one at a time; the folder is made. What a run that was broken off wrote without vouching for it is removed. Throws `failed_precondition`
 * when another writes, `data_loss` naming the file when there are files and no positions.
 */
export function openArchiveToWrite(path: string): WritableArchive {
  mkdirSync(path, { recursive: true });
  const unlock = lock(join(path, "lock"));
  try {
    const positionsFile = join(path, positionsName);
    const started = existsSync(positionsFile);
    if (!started && archiveTables.some((table) => filesIn(path, table).length > 0)) throw broken(positionsFile);
    let positions: Positions = started ? readPositions(positionsFile) : { format, next: {}, cleared: true };
    for (const table of archiveTables) {
      for (const file of filesIn(path, table)) if (file.next > positionIn(positions, table, file.partition)) rmSync(file.path);
    }
    const write = (changed: Positions): void => {
      writeFileSync(`${positionsFile}.new`, `${JSON.stringify(changed, null, 2)}\n`);
      flush(`${positionsFile}.new`);
      renameSync(`${positionsFile}.new`, positionsFile);
      flush(path);
      positions = changed;
    };
    // An archive of nothing yet is one too.
    if (!started) write(positions);
    return {
      path,
      get cleared() {
        return positions.cleared;
      },
      position: (table, partition) => positionIn(positions, table, partition),
      files: (table) => vouchedFor(path, positions, table),
      fileFor: (table, partition, from, end) => {
        const folder = join(path, table, folderOf(partition));
        mkdirSync(folder, { recursive: true });
        return join(folder, `${digits(from)}-${digits(end)}.parquet`);
      },
      commit: (table, written) => {
        for (const file of written) flush(file.path);
        const moved = Object.fromEntries(written.map(({ partition, next }) => [partition, next]));
        write({ ...positions, cleared: false, next: { ...positions.next, [table]: { ...positions.next[table], ...moved } } });
      },
      commitCleared: () => write({ ...positions, cleared: true }),
      close: unlock,
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

/** To disk, also what a power cut would leave in the air. */
export function flush(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A file with the writer's host and process; one that a dead writer left is taken over. */
function lock(file: string): () => void {
  const own = `${hostname()} ${process.pid}`;
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(file, own, { flag: "wx" });
      const beating = setInterval(() => utimesSync(file, new Date(), new Date()), beatMs).unref();
      return () => {
        clearInterval(beating);
        rmSync(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const owner = readFileSync(file, "utf8");
      if (tries > 0 || !isAbandoned(file, owner)) {
        throw new ModisteError(
          "failed_precondition",
          "archive_locked",
          `${owner} (host and process) writes the archive; if it does not, remove ${file}`,
        );
      }
      rmSync(file, { force: true });
    }
  }
}

/** Of another host, which a pod is, the number of a process says nothing: there the beat counts. */
function isAbandoned(file: string, owner: string): boolean {
  const [host, pid] = owner.split(" ");
  if (host === hostname() && !isRunning(Number(pid))) return true;
  return systemClock.nowSeconds() * 1000 - statSync(file).mtimeMs > silentMs;
}

const broken = (file: string, cause?: unknown): ModisteError =>
  new ModisteError("data_loss", "archive_broken", `${file} does not say how far the archive goes`, { cause, field: file });

function readPositions(file: string): Positions {
  try {
    return positionsSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw broken(file, cause);
  }
}
