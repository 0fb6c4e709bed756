/** The archive's tables, and records of the bus as their rows. */

import type { ConsumedRecord } from "#libs/bus/bus.ts";
import type { RowAppender } from "#libs/data/row-appender.ts";
import { type LogEntry, readEntry } from "#libs/events/log-entry.ts";
import { Grade } from "#protos/recommender.ts";
import { Served } from "#protos/served.ts";
import type { ArchiveTable } from "./archive-folder.ts";

export interface TableShape {
  /** SQL of the columns behind those that every table has (`headColumns`). */
  readonly columns: string;
  /** A record's cells for those columns; null for one that is none: nobody could read it, and the dead-letter topic has it. */
  cells(record: ConsumedRecord): ((row: RowAppender) => void) | null;
}

/** Where a record stood, and when it was published, seconds since 1970 UTC. */
export const headColumns = '"partition" VARCHAR, "offset" BIGINT, published DOUBLE';

function entryCells(row: RowAppender, entry: LogEntry): void {
  row.text(entry.kind);
  const copied = entry.kind === "event" ? entry.copied : null;
  row.text(copied?.partition ?? "");
  row.whole(copied?.offset ?? 0);
  const { eventId, subject, itemId, type, timeSeconds, value, quantity, surface, recommendationId, position } = rowOf(entry);
  for (const text of [eventId, subject, itemId, type]) row.text(text);
  row.whole(timeSeconds);
  row.number(value);
  row.whole(quantity);
  row.text(surface);
  row.text(recommendationId);
  row.whole(position);
  row.text(entry.kind === "merge" ? entry.merge.user : entry.kind === "erase" ? entry.erase.subjectKey : "");
  row.texts(entry.kind === "erase" ? entry.erase.partitions : []);
}

const noEvent = { eventId: "", subject: "", itemId: "", type: "", value: 0, quantity: 0, surface: "", recommendationId: "", position: 0 };

function rowOf(entry: LogEntry) {
  if (entry.kind === "event") return entry.event;
  if (entry.kind === "merge") return { ...noEvent, subject: entry.merge.session, timeSeconds: entry.merge.timeSeconds };
  return { ...noEvent, eventId: entry.erase.eraseId, timeSeconds: entry.erase.timeSeconds };
}

const events: TableShape = {
  // `copied_partition` and `copied_offset`: the login that copied the event, "" for none. `other`: the user of a login, the store's key of who is erased. `partitions`: those that have a copy of an erasure.
  columns: `kind VARCHAR, copied_partition VARCHAR, copied_offset BIGINT, event_id VARCHAR, subject VARCHAR, item_id VARCHAR, type VARCHAR, time_seconds BIGINT, value DOUBLE,
    quantity BIGINT, surface VARCHAR, recommendation_id VARCHAR, place BIGINT, other VARCHAR, partitions VARCHAR[]`,
  cells: (record) => {
    const read = readEntry(record);
    return "entry" in read ? (row) => entryCells(row, read.entry) : null;
  },
};

const gradeNames = new Map<number, string>(Object.entries(Grade).map(([name, grade]) => [grade as number, name.replace("GRADE_", "")]));

function decodeServed(value: Uint8Array): Served | null {
  try {
    return Served.decode(value);
  } catch {
    return null;
  }
}

const served: TableShape = {
  // `record`: the whole message, features included.
  columns: `recommendation_id VARCHAR, subjects VARCHAR[], kind VARCHAR, surface VARCHAR, time_seconds DOUBLE, now_seconds BIGINT, grade VARCHAR,
    release VARCHAR, model VARCHAR, item_ids VARCHAR[], scores DOUBLE[], record BLOB`,
  cells: ({ value }) => {
    const record = decodeServed(value);
    if (record === null) return null;
    return (row) => {
      row.text(record.recommendationId);
      row.texts(record.subjects);
      row.text(record.kind);
      row.text(record.surface);
      row.number(record.timeSeconds);
      row.whole(record.nowSeconds);
      row.text(gradeNames.get(record.grade) ?? "");
      row.text(record.releases.pinned ?? "");
      row.text(record.model);
      row.texts(record.itemIds);
      row.numbers(record.scores);
      row.bytes(value);
    };
  },
};

export const tableShapes: Readonly<Record<ArchiveTable, TableShape>> = { events, served };
