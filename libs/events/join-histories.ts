/** Several histories as one: what the gateway asks with, and what is computed again from its records. */

import { type Event, eventCode, type History } from "./event.ts";

interface Row {
  readonly itemId: string;
  readonly type: number;
  readonly timeSeconds: number;
  readonly value: number;
}

const rowsOf = (history: History): Row[] =>
  history.itemIds.map((itemId, i) => ({
    itemId,
    type: history.types[i]!,
    timeSeconds: history.timesSeconds[i]!,
    value: history.values[i]!,
  }));

const historyFrom = (rows: readonly Row[]): History => ({
  itemIds: rows.map((row) => row.itemId),
  types: rows.map((row) => row.type),
  timesSeconds: rows.map((row) => row.timeSeconds),
  values: rows.map((row) => row.value),
});

/** Events in the order given. */
export const historyOfEvents = (events: readonly Event[]): History =>
  historyFrom(events.map(({ itemId, type, timeSeconds, value }) => ({ itemId, type: eventCode[type], timeSeconds, value })));

/**
 * Ascending by time. A session's event that a profile holds already (same item, type and second) counts once; a history's own repetitions are
 * quantities and stay. What lies after `nowSeconds` is left out `asOf` an instant of the past, and counts as now otherwise: clocks of shops differ.
 */
export function joinHistories(histories: readonly History[], nowSeconds: number, asOf: boolean): History {
  const rows: Row[] = [];
  const held = new Set<string>();
  for (const history of histories.map(rowsOf)) {
    const past = asOf
      ? history.filter((row) => row.timeSeconds <= nowSeconds)
      : history.map((row) => (row.timeSeconds > nowSeconds ? { ...row, timeSeconds: nowSeconds } : row));
    const fresh = past.filter((row) => !held.has(`${row.type} ${row.timeSeconds} ${row.itemId}`));
    rows.push(...fresh);
    for (const row of fresh) held.add(`${row.type} ${row.timeSeconds} ${row.itemId}`);
  }
  return historyFrom(rows.sort((a, b) => a.timeSeconds - b.timeSeconds));
}
