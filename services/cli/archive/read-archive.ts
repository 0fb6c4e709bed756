/** What the archive holds of the topic of events, as batches of the log that it came from. */

import { tmpdir } from "node:os";
import { join } from "node:path";
import { groupBy } from "#libs/core/group-by.ts";
import { Duck, sqlText } from "#libs/data/duck.ts";
import type { Event, EventType } from "#libs/events/event.ts";
import type { LogEntry } from "#libs/events/log-entry.ts";
import type { Archive, ArchiveFile } from "./archive-folder.ts";

export interface ArchivedBatch {
  readonly partition: string;
  /** Where the batch before it of its partition ended, and where it ends. */
  readonly from: number;
  readonly next: number;
  /** Ascending by offset; offsets may have gaps. */
  readonly entries: readonly { readonly offset: number; readonly entry: LogEntry }[];
}

const memoryMb = 1024;
/** Most records of one batch. */
const batchRows = 1000;

interface Row {
  readonly partition: string;
  readonly offset: number;
  readonly kind: LogEntry["kind"];
  readonly copied_partition: string;
  readonly copied_offset: number;
  readonly event_id: string;
  readonly subject: string;
  readonly item_id: string;
  readonly type: EventType;
  readonly time_seconds: number;
  readonly value: number;
  readonly quantity: number;
  readonly surface: string;
  readonly recommendation_id: string;
  readonly place: number;
  readonly other: string;
  readonly partitions: { readonly items: readonly string[] } | readonly string[];
}

const columns = `"partition", "offset"::DOUBLE AS "offset", kind, copied_partition, copied_offset::DOUBLE AS copied_offset, event_id, subject, item_id, type, time_seconds::DOUBLE AS time_seconds, value,
  quantity::DOUBLE AS quantity, surface, recommendation_id, place::DOUBLE AS place, other, partitions`;

function entryOf(row: Row): LogEntry {
  const { kind, subject, other } = row;
  if (kind === "merge") return { kind, merge: { session: subject, user: other, timeSeconds: row.time_seconds } };
  if (kind === "erase") {
    const partitions = "items" in row.partitions ? row.partitions.items : row.partitions;
    return { kind, erase: { eraseId: row.event_id, subjectKey: other, timeSeconds: row.time_seconds, partitions: [...partitions] } };
  }
  const event: Event = {
    eventId: row.event_id,
    subject,
    itemId: row.item_id,
    type: row.type,
    timeSeconds: row.time_seconds,
    value: row.value,
    quantity: row.quantity,
    surface: row.surface,
    recommendationId: row.recommendation_id,
    position: row.place,
  };
  const copied = row.copied_partition === "" ? null : { partition: row.copied_partition, offset: row.copied_offset };
  return { kind, event, copied };
}

const epochOf = (partition: string): string => partition.slice(0, partition.lastIndexOf("/"));

/** The files by epoch, in the order in which the epochs began: offsets compare within one only. */
async function byEpoch(duck: Duck, files: readonly ArchiveFile[]): Promise<ArchiveFile[][]> {
  const epochs = [...groupBy(files, ({ partition }) => epochOf(partition)).values()];
  const began = await Promise.all(
    epochs.map(async (own) => (await duck.row<{ first: number | null }>(`SELECT min(published) AS first FROM ${parquet(own)}`)).first),
  );
  const rank = began.map((first, i) => ({ first: first ?? Number.POSITIVE_INFINITY, own: epochs[i]! }));
  return rank.sort((a, b) => a.first - b.first).map(({ own }) => own);
}

const parquet = (files: readonly ArchiveFile[]): string => `read_parquet([${files.map(({ path }) => sqlText(path)).join(", ")}])`;

/**
 * Epoch after epoch, and within one in the order of publishing, which is that of each partition's log and nearly that in which it was applied: whether
 * a copy falls to an erasure depends on what the other partitions had brought. Batches hold one partition's records each, without gaps between them.
 */
export async function* archivedEvents(archive: Archive): AsyncGenerator<ArchivedBatch> {
  const duck = await Duck.open({ memoryLimitMb: memoryMb, tempDir: join(tmpdir(), `modiste-archive-${process.pid}`) });
  try {
    for (const files of await byEpoch(duck, archive.files("events"))) yield* epochEvents(duck, files);
  } finally {
    duck.close();
  }
}

async function* epochEvents(duck: Duck, files: readonly ArchiveFile[]): AsyncGenerator<ArchivedBatch> {
  const reached = new Map<string, number>();
  for (const { partition, from } of files) reached.set(partition, Math.min(from, reached.get(partition) ?? from));
  const batchOf = (rows: readonly Row[]): ArchivedBatch => {
    const { partition } = rows[0]!;
    const [from, next] = [reached.get(partition)!, rows.at(-1)!.offset + 1];
    reached.set(partition, next);
    return { partition, from, next, entries: rows.map((row) => ({ offset: row.offset, entry: entryOf(row) })) };
  };
  const result = await duck.connection.stream(`SELECT ${columns} FROM ${parquet(files)} ORDER BY published, "partition", "offset"`);
  let rows: Row[] = [];
  for await (const chunk of result.yieldRowObjectJs()) {
    for (const row of chunk as unknown as readonly Row[]) {
      if (rows.length > 0 && (rows[0]!.partition !== row.partition || rows.length === batchRows)) {
        yield batchOf(rows);
        rows = [];
      }
      rows.push(row);
    }
  }
  if (rows.length > 0) yield batchOf(rows);
  // Records at the end that nobody could read, or that were forgotten, have their offsets all the same.
  for (const [partition, from] of reached) {
    const next = Math.max(...files.filter((file) => file.partition === partition).map((file) => file.next));
    if (next > from) yield { partition, from, next, entries: [] };
  }
}
