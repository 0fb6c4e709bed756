/** What the archive holds of the topic of events, as batches of the log that it came from. */

import { Duck, sqlText } from "#libs/data/duck.ts";
import type { Event, EventType } from "#libs/events/event.ts";
import type { LogEntry } from "#libs/events/log-entry.ts";
import type { ArchiveFolder } from "./archive-folder.ts";

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
  readonly copied: boolean;
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

const columns = `"offset"::DOUBLE AS "offset", kind, copied, event_id, subject, item_id, type, time_seconds::DOUBLE AS time_seconds, value,
  quantity::DOUBLE AS quantity, surface, recommendation_id, place::DOUBLE AS place, other, partitions`;

function entryOf(row: Row): LogEntry {
  const { kind, copied, subject, other } = row;
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
  return { kind, event, copied };
}

/** Partition after partition, each in the order of its log; a file at a time is held. */
export async function* archivedEvents(archive: ArchiveFolder): AsyncGenerator<ArchivedBatch> {
  const duck = await Duck.open({ memoryLimitMb: memoryMb });
  try {
    for (const { path, partition, from, next } of archive.files("events")) {
      const rows = await duck.rows<Row>(`SELECT ${columns} FROM read_parquet(${sqlText(path)}) ORDER BY "offset"`);
      yield { partition, from, next, entries: rows.map((row) => ({ offset: row.offset, entry: entryOf(row) })) };
    }
  } finally {
    duck.close();
  }
}
