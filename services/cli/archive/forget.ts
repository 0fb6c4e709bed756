/** Takes those who asked to be forgotten out of the archive's files: what stands before their erasure, partition by partition. */

import { renameSync } from "node:fs";
import { groupBy } from "#libs/core/group-by.ts";
import { Duck, sqlText } from "#libs/data/duck.ts";
import { openAppender } from "#libs/data/row-appender.ts";
import { type Archive, type ArchiveFile, flush, type WritableArchive } from "./archive-folder.ts";

const memoryMb = 1024;

export interface Erasure {
  readonly key: string;
  readonly partition: string;
  /** Where its copy of this partition stands. */
  readonly offset: number;
  /** When it was published, seconds since 1970 UTC by the publisher's clock. */
  readonly published: number;
}

const filesSql = (files: readonly ArchiveFile[]): string => `read_parquet([${files.map(({ path }) => sqlText(path)).join(", ")}])`;

/** Every copy of every erasure in the archive. */
export async function archivedErasures(archive: Archive): Promise<Erasure[]> {
  const files = archive.files("events");
  if (files.length === 0) return [];
  const duck = await Duck.open({ memoryLimitMb: memoryMb });
  try {
    return await duck.rows<Erasure>(
      `SELECT other AS key, "partition", "offset"::DOUBLE AS "offset", published FROM ${filesSql(files)} WHERE kind = 'erase'`,
    );
  } finally {
    duck.close();
  }
}

const epoch = (partition: string): string => `regexp_replace(${partition}, '/[^/]*$', '')`;

/**
 * When a row `r` of `events` falls to an erasure `g`; a login falls with either side. Where the row stands counts, and for what a login copied, where that
 * login stands; offsets of another epoch say nothing, so there it is the time.
 */
const eventGone = `(g.subject = r.subject OR (r.kind = 'merge' AND g.subject = r.other)) AND (
  (g."partition" = r."partition" AND r."offset" < g."offset")
  OR (g."partition" = r.copied_partition AND r.copied_offset < g."offset")
  OR (${epoch('g."partition"')} <> ${epoch('r."partition"')} AND r.published <= g.published))`;
/** Of another topic only the time can be compared; a record waits a moment before it is published. */
const servedGone = "list_contains(r.subjects, g.subject) AND r.published <= g.published + 5";

/**
 * Rewrites the files that hold anything of an erased subject, each in one rename. Answers how many files were rewritten.
 * @param keyOf the store's key of a subject: erasures name nobody otherwise.
 */
export async function forgetErased(archive: WritableArchive, keyOf: (subject: string) => string): Promise<number> {
  const erasures = await archivedErasures(archive);
  const rewritten = erasures.length === 0 ? 0 : await clear(archive, erasures, keyOf);
  archive.commitCleared();
  return rewritten;
}

async function clear(archive: WritableArchive, erasures: readonly Erasure[], keyOf: (subject: string) => string): Promise<number> {
  const duck = await Duck.open({ memoryLimitMb: memoryMb });
  try {
    await duck.run('CREATE TABLE gone (subject VARCHAR, "partition" VARCHAR, "offset" BIGINT, published DOUBLE)');
    await fillGone(duck, archive, erasures, keyOf);
    let rewritten = 0;
    for (const file of archive.files("events")) rewritten += await rewrite(duck, file, eventGone);
    for (const file of archive.files("served")) rewritten += await rewrite(duck, file, servedGone);
    return rewritten;
  } finally {
    duck.close();
  }
}

async function fillGone(duck: Duck, archive: Archive, erasures: readonly Erasure[], keyOf: (subject: string) => string): Promise<void> {
  const erasuresOf = groupBy(erasures, ({ key }) => key);
  const row = await openAppender(duck, "gone");
  for (const subject of await subjectsOf(duck, archive)) {
    for (const { partition, offset, published } of erasuresOf.get(keyOf(subject)) ?? []) {
      row.text(subject);
      row.text(partition);
      row.whole(offset);
      row.number(published);
      row.endRow();
    }
  }
  row.close();
}

async function subjectsOf(duck: Duck, archive: Archive): Promise<string[]> {
  const [events, served] = [archive.files("events"), archive.files("served")];
  const parts = [
    ...(events.length === 0
      ? []
      : [`SELECT subject FROM ${filesSql(events)} UNION SELECT other FROM ${filesSql(events)} WHERE kind = 'merge'`]),
    ...(served.length === 0 ? [] : [`SELECT unnest(subjects) FROM ${filesSql(served)}`]),
  ];
  const rows = await duck.rows<{ subject: string }>(`SELECT DISTINCT subject FROM (${parts.join(" UNION ")}) WHERE subject <> ''`);
  return rows.map(({ subject }) => subject);
}

async function rewrite(duck: Duck, { path }: ArchiveFile, gone: string): Promise<0 | 1> {
  const rows = `read_parquet(${sqlText(path)}) r`;
  await duck.run(`CREATE OR REPLACE TABLE doomed AS SELECT DISTINCT r."offset" FROM ${rows} JOIN gone g ON ${gone}`);
  const { n } = await duck.row<{ n: number }>("SELECT count(*)::DOUBLE AS n FROM doomed");
  if (n === 0) return 0;
  const kept = `(SELECT r.* FROM ${rows} ANTI JOIN doomed USING ("offset") ORDER BY r."offset")`;
  await duck.run(`COPY ${kept} TO ${sqlText(`${path}.new`)} (FORMAT parquet, COMPRESSION zstd)`);
  flush(`${path}.new`);
  renameSync(`${path}.new`, path);
  return 1;
}
