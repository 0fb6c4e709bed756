/** What the archive holds of the topic of events, as batches of the log that it came from. */

import { Duck, sqlText } from "#libs/data/duck.ts";
import type { Event, EventType } from "#libs/events/event.ts";
import type { LogEntry } from "#libs/events/log-entry.ts";
import type { Archive, ArchiveFile } from "./archive-folder.ts";

export interface ArchivedBatch {
  readonly partition: string;
  /** Offset of the file's first record, and the one after its last. */
  readonly from: number;
  readonly next: number;
  /** Ascending by offset; offsets may have gaps. */
  readonly entries: readonly { readonly offset: number; readonly entry: LogEntry }[];
}

const memoryMb = 1024;

interface Row {
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

const columns = `"offset"::DOUBLE AS "offset", kind, copied_partition, copied_offset::DOUBLE AS copied_offset, event_id, subject, item_id, type, time_seconds::DOUBLE AS time_seconds, value,
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

/** Files in the order in which their epochs began: offsets compare within one only. */
async function inOrder(duck: Duck, files: readonly ArchiveFile[]): Promise<ArchiveFile[]> {
  const began = new Map<string, number>();
  for (const { path, partition } of files) {
    const { first } = await duck.row<{ first: number | null }>(`SELECT min(published) AS first FROM read_parquet(${sqlText(path)})`);
    const known = began.get(epochOf(partition)) ?? Number.POSITIVE_INFINITY;
    began.set(epochOf(partition), Math.min(known, first ?? Number.POSITIVE_INFINITY));
  }
  const rank = [...began].sort(([, a], [, b]) => a - b).map(([epoch]) => epoch);
  return [...files].sort((a, b) => rank.indexOf(epochOf(a.partition)) - rank.indexOf(epochOf(b.partition)));
}

/** Epoch after epoch, partition after partition, each in the order of its log; a file at a time is held. */
export async function* archivedEvents(archive: Archive): AsyncGenerator<ArchivedBatch> {
  const duck = await Duck.open({ memoryLimitMb: memoryMb });
  try {
    for (const { path, partition, from, next } of await inOrder(duck, archive.files("events"))) {
      const rows = await duck.rows<Row>(`SELECT ${columns} FROM read_parquet(${sqlText(path)}) ORDER BY "offset"`);
      yield { partition, from, next, entries: rows.map((row) => ({ offset: row.offset, entry: entryOf(row) })) };
    }
  } finally {
    duck.close();
  }
}
