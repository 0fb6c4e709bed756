/** A data set continued by the archive of the bus: what the next release learns from. */

import { join } from "node:path";
import { ModisteError } from "#libs/core/errors.ts";
import { eventTypes } from "#libs/events/event.ts";
import { sqlFile, sqlList, sqlName, sqlText } from "../duck.ts";
import { type DataSetManifest, readManifest } from "../manifest.ts";
import { openAppender } from "../row-appender.ts";
import { type ImportOptions, importDataset, type Stage } from "./import.ts";
import { describeSources } from "./source-file.ts";

export interface ArchivedShopOptions extends ImportOptions {
  /** Folder of the data set that is continued. */
  readonly base: string;
  /** Files of the archive's events. */
  readonly files: readonly string[];
  /** Whether a user asked to be forgotten: rows of the base precede that. */
  readonly isForgotten: (user: string) => boolean;
}

async function stageForgotten({ duck }: Stage, users: string, isForgotten: ArchivedShopOptions["isForgotten"]): Promise<void> {
  await duck.run("CREATE TABLE forgotten (subject VARCHAR)");
  const row = await openAppender(duck, "forgotten");
  const result = await duck.connection.stream(`SELECT id FROM read_parquet(${sqlText(users)})`);
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const ids = chunk.getColumnVector(0);
    for (let at = 0; at < chunk.rowCount; at++) {
      const id = ids.getItem(at) as string;
      if (!isForgotten(id)) continue;
      row.text(id);
      row.endRow();
    }
  }
  row.close();
}

/**
 * Events later than the base's last interaction follow it; those of anonymous sessions are left out until a login makes them a user's. Events on items
 * that the base does not have are rejected.
 */
export async function importArchivedShop(options: ArchivedShopOptions): Promise<DataSetManifest> {
  const { base, files, isForgotten } = options;
  if (files.length === 0)
    throw new ModisteError("failed_precondition", "archive_empty", "the archive holds no events: modiste events archive");
  const manifest = readManifest(base);
  const file = (table: string): string => join(base, `${table}.parquet`);
  return importDataset(options, async (stage) => {
    await stageForgotten(stage, file("users"), isForgotten);
    const columns = (prefix: string, names: readonly string[]) => ({ raw: names.map((name) => `, ${prefix}${sqlName(name)}`).join("") });
    const values = {
      items: file("items"),
      users: file("users"),
      interactions: file("interactions"),
      archive: { raw: sqlList(files) },
      after: manifest.time_range.last,
      types: { raw: sqlList(eventTypes.slice(1)) },
      item_columns: columns("", manifest.item_attributes),
      user_columns: columns("a.", manifest.user_attributes),
    };
    await stage.run("import: the archive", sqlFile("archived-shop", values));
    const { n } = await stage.duck.row<{ n: number }>(
      "SELECT (SELECT count(*) FROM old_rows)::DOUBLE + (SELECT count(*) FROM new_events) AS n",
    );
    return {
      importer: "archive",
      itemAttributes: manifest.item_attributes,
      userAttributes: manifest.user_attributes,
      mapping: { base: manifest.name, base_fingerprint: manifest.fingerprint },
      sources: [...manifest.sources, ...(await describeSources(files, stage.signal))],
      rowsRead: n,
    };
  });
}
