/** What came of answers: clicks and purchases joined with what was served, by the id that events bring back. */

import { Duck, sqlText } from "#libs/data/duck.ts";
import type { Archive } from "./archive-folder.ts";

/** Of the items that were shown in one place of one kind of answer. */
export interface Shown {
  readonly release: string;
  readonly surface: string;
  /** Place in the list, from 0. */
  readonly place: number;
  readonly shown: number;
  /** Items of them that were viewed, put into the basket or liked with the answer's id, and those that were bought; each item of an answer once. */
  readonly clicked: number;
  readonly bought: number;
}

export interface Rates {
  readonly answers: number;
  /** Events that name an answer which the archive does not hold, or an item that the answer did not list. */
  readonly unmatched: number;
  readonly places: readonly Shown[];
}

const memoryMb = 2048;

const list = (archive: Archive, table: "events" | "served"): string =>
  `read_parquet([${archive
    .files(table)
    .map(({ path }) => sqlText(path))
    .join(", ")}])`;

/** Counts by release, surface and place; empty where nothing was served yet. */
export async function archivedRates(archive: Archive): Promise<Rates> {
  if (archive.files("served").length === 0) return { answers: 0, unmatched: 0, places: [] };
  const duck = await Duck.open({ memoryLimitMb: memoryMb });
  try {
    await duck.run(`CREATE TABLE shown AS
      SELECT DISTINCT ON (recommendation_id, item_id) recommendation_id, release, surface, item_id, place FROM (
        SELECT recommendation_id, release, surface, unnest(item_ids) AS item_id, generate_subscripts(item_ids, 1) - 1 AS place FROM ${list(archive, "served")})`);
    const events =
      archive.files("events").length === 0 ? "SELECT '' AS recommendation_id, '' AS item_id, '' AS type WHERE false" : led(archive);
    await duck.run(`CREATE TABLE led AS ${events}`);
    const places = await duck.rows<Shown>(`
      SELECT s.release, s.surface, s.place::DOUBLE AS place, count(*)::DOUBLE AS shown,
             count(*) FILTER (WHERE l.clicked)::DOUBLE AS clicked, count(*) FILTER (WHERE l.bought)::DOUBLE AS bought
      FROM shown s LEFT JOIN (
        SELECT recommendation_id, item_id, bool_or(type IN ('view', 'cart', 'like')) AS clicked, bool_or(type = 'purchase') AS bought
        FROM led GROUP BY ALL) l USING (recommendation_id, item_id)
      GROUP BY s.release, s.surface, s.place ORDER BY s.release, s.surface, s.place`);
    const { answers } = await duck.row<{ answers: number }>("SELECT count(DISTINCT recommendation_id)::DOUBLE AS answers FROM shown");
    const { unmatched } = await duck.row<{ unmatched: number }>(
      "SELECT count(*)::DOUBLE AS unmatched FROM led ANTI JOIN shown USING (recommendation_id, item_id)",
    );
    return { answers, unmatched, places };
  } finally {
    duck.close();
  }
}

const led = (archive: Archive): string =>
  `SELECT recommendation_id, item_id, type FROM ${list(archive, "events")} WHERE kind = 'event' AND copied_partition = '' AND recommendation_id <> ''`;
