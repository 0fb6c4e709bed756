/** What every adapter of the live counters must do; run against the real server, and compared with a plain recount. */

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { groupBy } from "#libs/core/group-by.ts";
import {
  type CountBucket,
  type CountedEvent,
  type CounterStore,
  daySeconds,
  daysKept,
  hourSeconds,
  hoursKept,
  type ItemCounts,
} from "#libs/store/counter-store.ts";
import { isPositionLost } from "#libs/store/position-lost.ts";
import type { StoreHarness } from "./profile-store-contract.ts";

const noon = 20_000 * daySeconds + daySeconds / 2;

const eventOf = (offset: number, given: Partial<CountedEvent> = {}): CountedEvent => ({
  offset,
  itemId: "i",
  type: "view",
  segment: 0,
  timeSeconds: noon,
  value: 0,
  ...given,
});

/** All that the store holds, by item. */
export async function allCounts(store: CounterStore, cursor = ""): Promise<{ items: Map<string, ItemCounts>; cursor: string }> {
  const items = new Map<string, ItemCounts>();
  let at = cursor;
  for (;;) {
    const told = await store.changes(at);
    if (told.items.length === 0) return { items, cursor: told.cursor };
    for (const item of told.items) items.set(item.itemId, item);
    at = told.cursor;
  }
}

/** What the counters must say, counted event by event. Events of one item at one time must have one price. */
export function recount(events: readonly CountedEvent[]): Map<string, ItemCounts> {
  return new Map([...groupBy(events, ({ itemId }) => itemId)].map(([itemId, own]) => [itemId, recountItem(itemId, own)]));
}

function recountItem(itemId: string, events: readonly CountedEvent[]): ItemCounts {
  const newest = Math.max(...events.map(({ timeSeconds }) => timeSeconds));
  const bucketsOf = (prefix: string, span: typeof hourSeconds | typeof daySeconds, kept: number): [string, CountBucket][] => {
    const current = Math.floor(newest / span);
    const recent = events.filter(({ timeSeconds }) => Math.floor(timeSeconds / span) > current - kept);
    const nameOf = ({ timeSeconds, type, segment }: CountedEvent): string =>
      `${prefix}${Math.floor(timeSeconds / span)}:${type}:${segment}`;
    return [...groupBy(recent, nameOf)].map(([name, same]) => {
      const { timeSeconds, type, segment } = same[0]!;
      return [name, { startSeconds: Math.floor(timeSeconds / span) * span, spanSeconds: span, type, segment, count: same.length }];
    });
  };
  const sales = events.filter(({ type }) => type === "purchase").sort((a, b) => a.timeSeconds - b.timeSeconds);
  return {
    itemId,
    buckets: [...bucketsOf("d", daySeconds, daysKept), ...bucketsOf("h", hourSeconds, hoursKept)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, bucket]) => bucket),
    firstSaleSeconds: sales[0]?.timeSeconds ?? 0,
    lastSaleSeconds: sales.at(-1)?.timeSeconds ?? 0,
    lastPrice: sales.filter(({ value }) => value > 0).at(-1)?.value ?? 0,
  };
}

/** Events of 70 days; a price that follows from the second, so that it does not depend on the order of arrival. */
export const countedEvents: fc.Arbitrary<Omit<CountedEvent, "offset">> = fc
  .record({
    itemId: fc.constantFrom("a", "b", "größe {c}:1"),
    type: fc.constantFrom("view", "cart", "purchase", "like", "dislike", "remove"),
    segment: fc.nat(2),
    timeSeconds: fc.oneof(fc.integer({ min: noon - 70 * daySeconds, max: noon }), fc.integer({ min: noon - 3 * daySeconds, max: noon })),
    hasPrice: fc.boolean(),
  })
  .map(({ hasPrice, ...event }) => ({ ...event, value: hasPrice ? (event.timeSeconds % 977) / 8 + 0.1 : 0 }));

/** What a follower does: from where to where it reads a shard, one after the other; it may go back, never ahead of what it has counted. */
const stepsOf = fc.array(fc.record({ shard: fc.nat(1), back: fc.nat(10), length: fc.integer({ min: 1, max: 25 }) }), { maxLength: 10 });

export function counterStoreContract(adapter: string, open: () => Promise<StoreHarness<CounterStore>>): void {
  describe(`counter store over ${adapter}`, () => {
    let harness: StoreHarness<CounterStore>;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.remove());
    const countOf = (item: ItemCounts | undefined, span: number): number =>
      (item?.buckets ?? []).filter(({ spanSeconds }) => spanSeconds === span).reduce((sum, { count }) => sum + count, 0);

    it("counts events by hour and day, kind and segment, and keeps times and price of sales", async () => {
      const events = [
        eventOf(0, { timeSeconds: noon }),
        eventOf(1, { timeSeconds: noon + 1 }),
        eventOf(2, { segment: 3, timeSeconds: noon + hourSeconds }),
        eventOf(3, { type: "purchase", timeSeconds: noon + 10, value: 9.95 }),
        eventOf(4, { type: "purchase", timeSeconds: noon - 10, value: 4 }),
      ];
      await harness.store.add("e/0", events, { from: 0, next: 5 });
      const { items } = await allCounts(harness.store);
      expect(items).toEqual(recount(events));
      expect(items.get("i")).toMatchObject({ firstSaleSeconds: noon - 10, lastSaleSeconds: noon + 10, lastPrice: 9.95 });
    });
    it("counts nothing twice, and takes the new rest of a batch", async () => {
      await harness.store.add("e/0", [eventOf(0)], { from: 0, next: 1 });
      await harness.store.add("e/0", [eventOf(0)], { from: 0, next: 1 });
      await harness.store.add("e/0", [eventOf(0), eventOf(1)], { from: 0, next: 2 });
      expect(countOf((await allCounts(harness.store)).items.get("i"), daySeconds)).toBe(2);
      expect(await harness.store.position("e/0")).toBe(2);
    });
    it("sums the shards of an item, each with a position of its own", async () => {
      await harness.store.add("e/0", [eventOf(0)], { from: 0, next: 1 });
      await harness.store.add("e/1", [eventOf(0), eventOf(1)], { from: 0, next: 2 });
      expect(countOf((await allCounts(harness.store)).items.get("i"), daySeconds)).toBe(3);
      expect(await harness.store.position("e/0")).toBe(1);
      expect(await harness.store.position("e/1")).toBe(2);
      expect(await harness.store.position("e/2")).toBe(0);
    });
    it("tells only what changed since the cursor", async () => {
      await harness.store.add("e/0", [eventOf(0, { itemId: "a" }), eventOf(1, { itemId: "b" })], { from: 0, next: 2 });
      const { cursor, items } = await allCounts(harness.store);
      expect([...items.keys()].sort()).toEqual(["a", "b"]);
      expect((await harness.store.changes(cursor)).items).toEqual([]);
      await harness.store.add("e/1", [eventOf(0, { itemId: "b" })], { from: 0, next: 1 });
      const told = await harness.store.changes(cursor);
      expect(told.items.map(({ itemId }) => itemId)).toEqual(["b"]);
      expect(countOf(told.items[0], daySeconds)).toBe(2);
    });
    it("begins anew for a cursor that lies beyond its last change: it has lost writes, or is another store", async () => {
      const other = await open();
      const items = ["a", "b", "c"].map((itemId, offset) => eventOf(offset, { itemId }));
      for (const item of items) await other.store.add("e/0", [item], { from: item.offset, next: item.offset + 1 });
      const { cursor } = await allCounts(other.store);
      await other.remove();
      await harness.store.add("e/0", items.slice(0, 1), { from: 0, next: 1 });
      const told = await allCounts(harness.store, cursor);
      expect([...told.items.keys()]).toEqual(["a"]);
      await harness.store.add("e/0", items.slice(1, 2), { from: 1, next: 2 });
      expect([...(await allCounts(harness.store, told.cursor)).items.keys()]).toEqual(["b"]);
    });
    it("tells of many items in several answers, each once while nothing changes", async () => {
      const events = Array.from({ length: 6000 }, (_, i) => eventOf(i, { itemId: `i${i}` }));
      for (let from = 0; from < events.length; from += 1000) {
        await harness.store.add("e/0", events.slice(from, from + 1000), { from, next: from + 1000 });
      }
      const first = await harness.store.changes("");
      expect(first.items.length).toBeLessThan(6000);
      const rest = await allCounts(harness.store, first.cursor);
      expect(first.items.length + rest.items.size).toBe(6000);
    });
    it("moves on without events, never back, and refuses what begins behind it", async () => {
      await harness.store.add("e/0", [], { from: 0, next: 6 });
      await harness.store.add("e/0", [], { from: 0, next: 3 });
      expect(await harness.store.position("e/0")).toBe(6);
      const late = harness.store.add("e/0", [eventOf(7)], { from: 7, next: 8 });
      await expect(late.catch((error: unknown) => isPositionLost(error))).resolves.toBe(true);
      expect((await allCounts(harness.store)).items.size).toBe(0);
    });
    it("has everything after it was closed and opened again", async () => {
      await harness.store.add("e/0", [eventOf(0, { type: "purchase", value: 3 })], { from: 0, next: 1 });
      const before = await allCounts(harness.store);
      const again = await harness.reopen();
      expect((await allCounts(again)).items).toEqual(before.items);
      expect((await again.changes(before.cursor)).items).toEqual([]);
      expect(await again.position("e/0")).toBe(1);
    });
    it("equals a plain recount for any events in any order, with replays, over two shards", async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.tuple(fc.array(countedEvents, { maxLength: 60 }), fc.array(countedEvents, { maxLength: 60 })),
          stepsOf,
          async (logs, steps) => {
            // The item ids of each run are its own: one store serves all of them.
            const own = `${run++}`;
            const shards = logs.map((log, i) => ({
              partition: `${own}/${i}`,
              log: log.map((event, offset) => ({ ...event, itemId: `${event.itemId} ${own}`, offset })),
              reached: 0,
            }));
            const count = async (shard: (typeof shards)[number], from: number, next: number): Promise<void> => {
              await harness.store.add(shard.partition, shard.log.slice(from, next), { from, next });
              shard.reached = Math.max(shard.reached, next);
            };
            for (const { shard: i, back, length } of steps) {
              const shard = shards[i]!;
              const from = Math.max(0, shard.reached - back);
              await count(shard, from, Math.min(shard.log.length, from + length));
            }
            for (const shard of shards) await count(shard, shard.reached, shard.log.length);
            const { items } = await allCounts(harness.store);
            const ofRun = new Map([...items].filter(([itemId]) => itemId.endsWith(` ${own}`)));
            expect(ofRun).toEqual(recount(shards.flatMap(({ log }) => log)));
          },
        ),
        { numRuns: 25 },
      );
    });
  });
}
