/** Live counters in an lmdb file. Written by one profile service, readable by any process of the machine. */

import { type Database, open, type RootDatabase } from "lmdb";
import { groupBy } from "#libs/core/group-by.ts";
import type { CountedEvent, CounterStore } from "./counter-store.ts";
import { addToTally, emptyTally, mergeTallies, type Tally } from "./counter-tally.ts";
import { positionLost } from "./position-lost.ts";

/** Most items of one answer of `changes`. */
const changesMax = 5000;

/** One item of one shard. */
interface Entry {
  readonly tally: Tally;
  /** Number of the change that wrote it. */
  readonly change: number;
}

/** Opens the store in `folder`, which is made. */
export function openLmdbCounterStore(folder: string): CounterStore {
  const root: RootDatabase<number, string> = open({ path: folder, encoding: "json", maxDbs: 8 });
  /** By [item, partition], so that the shards of an item lie together. */
  const tallies: Database<Entry, [string, string]> = root.openDB("tallies", { encoding: "msgpack" });
  /** Item ids by the number of the change that wrote them last. */
  const changed: Database<string, number> = root.openDB("changed", { encoding: "string", keyEncoding: "uint32" });
  const positions: Database<number, string> = root.openDB("positions", { encoding: "json" });
  const positionOf = (partition: string): number => positions.get(partition) ?? 0;

  const write = (partition: string, itemId: string, events: readonly CountedEvent[], change: number): void => {
    const held = tallies.get([itemId, partition]);
    if (held !== undefined && changed.get(held.change) === itemId) void changed.remove(held.change);
    const tally = addToTally(held?.tally ?? emptyTally, events);
    void tallies.put([itemId, partition], { tally, change });
    void changed.put(change, itemId);
  };

  return {
    add: async (partition, events, { from, next }) => {
      await root.transaction(() => {
        const position = positionOf(partition);
        if (position < from) throw positionLost(partition, position, from);
        const fresh = events.filter(({ offset }) => offset >= position);
        let change = root.get("changes") ?? 0;
        for (const [itemId, own] of groupBy(fresh, (event) => event.itemId)) write(partition, itemId, own, ++change);
        void root.put("changes", change);
        if (next > position) void positions.put(partition, next);
      });
    },
    position: async (partition) => positionOf(partition),
    changes: async (cursor) => {
      const told = cursor === "" ? 0 : Number(cursor);
      const after = told > (root.get("changes") ?? 0) ? 0 : told;
      const items = new Set<string>();
      let last = after;
      for (const { key, value } of changed.getRange({ start: after + 1, limit: changesMax })) {
        items.add(value);
        last = key;
      }
      const counts = [...items].map((itemId) => {
        const shards = [...tallies.getRange({ start: [itemId, ""], end: [itemId, "\uffff"] })].map(({ value }) => value.tally);
        return mergeTallies(itemId, shards);
      });
      return { cursor: `${last}`, items: counts };
    },
    close: () => root.close(),
  };
}
