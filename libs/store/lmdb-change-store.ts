/** The catalogue's change log in an lmdb file. Written by one service, followed by any process of the machine. */

import { type Database, open, type RootDatabase } from "lmdb";
import type { ChangeStore } from "./change-store.ts";
import { positionLost } from "./position-lost.ts";

interface Entry {
  readonly itemId: string;
  readonly value: Uint8Array;
}

const lastKey = "last";

/** Opens the store in `folder`, which is made. */
export function openLmdbChangeStore(folder: string): ChangeStore {
  const root: RootDatabase<number, string> = open({ path: folder, encoding: "json", maxDbs: 8 });
  const entries: Database<Entry, number> = root.openDB("changes", { encoding: "msgpack" });
  /** Number of the latest change of an item. */
  const numbers: Database<number, string> = root.openDB("numbers", { encoding: "json" });
  const positions: Database<number, string> = root.openDB("positions", { encoding: "json" });
  const positionOf = (partition: string): number => positions.get(partition) ?? 0;
  return {
    append: async (partition, changes, { from, next }) => {
      await root.transaction(() => {
        const position = positionOf(partition);
        if (position < from) throw positionLost(partition, position, from);
        let number = root.get(lastKey) ?? 0;
        for (const { itemId, value } of changes.filter(({ offset }) => offset >= position)) {
          const before = numbers.get(itemId);
          if (before !== undefined) void entries.remove(before);
          void numbers.put(itemId, ++number);
          void entries.put(number, { itemId, value });
        }
        void root.put(lastKey, number);
        if (next > position) void positions.put(partition, next);
      });
    },
    position: async (partition) => positionOf(partition),
    since: async (number, limit) =>
      [...entries.getRange({ start: number + 1, limit })].map(({ key, value }) => ({
        number: key,
        itemId: value.itemId,
        value: new Uint8Array(value.value),
      })),
    latest: async (itemIds) =>
      itemIds.map((itemId) => {
        const number = numbers.get(itemId);
        const entry = number === undefined ? undefined : entries.get(number);
        return entry === undefined ? null : new Uint8Array(entry.value);
      }),
    last: async () => root.get(lastKey) ?? 0,
    close: () => root.close(),
  };
}
