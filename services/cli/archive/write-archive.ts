/** Takes what the bus holds into the archive, from where the archive ends. */

import { type ConsumedBatch, type EventBus, readPublished, topics } from "#libs/bus/bus.ts";
import { Duck, sqlText } from "#libs/data/duck.ts";
import { openAppender } from "#libs/data/row-appender.ts";
import type { ArchiveFile, ArchiveTable, WritableArchive } from "./archive-folder.ts";
import { headColumns, tableShapes } from "./tables.ts";

/** Rows held before they become files. */
const rowsMax = 200_000;
const memoryMb = 1024;

const topicOf: Readonly<Record<ArchiveTable, string>> = { events: topics.events, served: topics.served };

export interface Archived {
  readonly records: number;
  /** Those that nobody can read: they are left out. */
  readonly unreadable: number;
  /** What the bus had dropped before it was archived, in words. */
  readonly gaps: readonly string[];
}

/** A span of one partition that is not in files yet. */
interface Span {
  readonly from: number;
  next: number;
}

/** Resolves when everything published before the call is in files that the archive vouches for. */
export async function archiveTopic(
  bus: Pick<EventBus, "consume" | "ends">,
  archive: WritableArchive,
  table: ArchiveTable,
  signal: AbortSignal,
): Promise<Archived> {
  const shape = tableShapes[table];
  const duck = await Duck.open({ memoryLimitMb: memoryMb });
  const spans = new Map<string, Span>();
  const gaps: string[] = [];
  let [records, unreadable, held] = [0, 0, 0];
  try {
    await duck.run(`CREATE TABLE rows (${headColumns}, ${shape.columns})`);
    const row = await openAppender(duck, "rows");
    const flush = async (): Promise<void> => {
      row.flush();
      const written: ArchiveFile[] = [];
      for (const [partition, { from, next }] of spans) {
        const path = archive.fileFor(table, partition, from, next);
        const rows = `(SELECT * FROM rows WHERE "partition" = ${sqlText(partition)} ORDER BY "offset")`;
        await duck.run(`COPY ${rows} TO ${sqlText(path)} (FORMAT parquet, COMPRESSION zstd)`);
        written.push({ path, partition, from, next });
      }
      await duck.run("DELETE FROM rows");
      archive.commit(table, written);
      spans.clear();
      held = 0;
    };
    const take = ({ partition, records: batch }: ConsumedBatch): void => {
      const span = spans.get(partition) ?? { from: archive.position(table, partition), next: 0 };
      const reached = Math.max(span.from, span.next);
      // Before the first run nothing was promised.
      if (reached > 0 && batch[0]!.offset > reached) gaps.push(`${partition}: ${reached} to ${batch[0]!.offset - 1}`);
      spans.set(partition, span);
      for (const record of batch) {
        const cells = shape.cells(record);
        records++;
        if (cells === null) {
          unreadable++;
          continue;
        }
        row.text(partition);
        row.whole(record.offset);
        row.number(record.publishedSeconds);
        cells(row);
        row.endRow();
      }
      span.next = batch.at(-1)!.offset + 1;
      held += batch.length;
    };
    // Partitions are delivered side by side; what fills the table must not run while it is emptied.
    let turn: Promise<void> = Promise.resolve();
    const onBatch = (batch: ConsumedBatch): Promise<void> => {
      turn = turn.then(async () => {
        signal.throwIfAborted();
        take(batch);
        if (held >= rowsMax) await flush();
      });
      return turn;
    };
    await readPublished(bus, topicOf[table], onBatch, { startAt: (partition) => archive.position(table, partition) });
    if (spans.size > 0) await flush();
    row.close();
    return { records, unreadable, gaps };
  } finally {
    duck.close();
  }
}
