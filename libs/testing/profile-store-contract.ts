/** What every adapter of the profile store must do; run against the real server. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Event } from "#libs/events/event.ts";
import type { LogPlace } from "#libs/events/log-entry.ts";
import { isPositionLost } from "#libs/store/position-lost.ts";
import { emptyProfile, isKnown, profileBounds } from "#libs/store/profile.ts";
import type { ProfileBatch, ProfileStore } from "#libs/store/profile-store.ts";

export interface StoreHarness<Store> {
  readonly store: Store;
  /** Closes the store and opens it on the same data. */
  reopen(): Promise<Store>;
  /** Closes what is open and removes the data. */
  remove(): Promise<void>;
}

function eventOf(eventId: string, timeSeconds: number, type: Event["type"] = "purchase"): Event {
  return {
    eventId,
    subject: "u",
    itemId: `item ${eventId}`,
    type,
    timeSeconds,
    value: 1,
    quantity: 1,
    surface: "",
    recommendationId: "",
    position: 0,
  };
}

const batchOf = (events: readonly Event[], from = 0, copied: LogPlace | null = null): ProfileBatch[] => [
  { key: "u", changes: events.map((event, i) => ({ kind: "event" as const, offset: from + i, event, copied })) },
];
const eraseOf = (offset: number, id: string, partitions: readonly string[]): ProfileBatch[] => [
  { key: "u", changes: [{ kind: "erase", offset, id, partitions }] },
];

export function profileStoreContract(adapter: string, open: () => Promise<StoreHarness<ProfileStore>>): void {
  describe(`profile store over ${adapter}`, () => {
    let harness: StoreHarness<ProfileStore>;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.remove());
    const held = async (): Promise<string[]> => ((await harness.store.get(["u"]))[0]?.events ?? []).map(({ eventId }) => eventId);

    it("knows nothing of a subject that never came", async () => {
      expect(await harness.store.get(["nobody", "nobody else"])).toEqual([null, null]);
    });
    it("holds events in the order of time, whatever the order of arrival", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("late", 20), eventOf("early", 10)]), { from: 0, next: 2 });
      expect(await held()).toEqual(["early", "late"]);
    });
    it("counts a replayed batch once, and moves its position once", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1), eventOf("b", 2)]), { from: 0, next: 2 });
      const before = await harness.store.get(["u"]);
      await harness.store.apply("e/0", batchOf([eventOf("a", 1), eventOf("b", 2)]), { from: 0, next: 2 });
      expect(await harness.store.get(["u"])).toEqual(before);
      expect(await harness.store.position("e/0")).toBe(2);
    });
    it("answers the profiles of a batch as they then stand, in its order, also when it changed nothing", async () => {
      const changes = batchOf([eventOf("a", 1), eventOf("b", 2)])[0]!.changes;
      const batch = ["v", "u", "w"].map((key, i) => ({ key, changes: i === 2 ? [] : changes }));
      const applied = await harness.store.apply("e/0", batch, { from: 0, next: 2 });
      expect(applied.map(({ events }) => events.map(({ eventId }) => eventId))).toEqual([["a", "b"], ["a", "b"], []]);
      expect(await harness.store.get(["v", "u", "w"])).toEqual([applied[0], applied[1], null]);
      expect(await harness.store.apply("e/0", batch, { from: 0, next: 2 })).toEqual(applied);
    });
    it("takes the new rest of a batch that was applied in part", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)]), { from: 0, next: 1 });
      await harness.store.apply("e/0", batchOf([eventOf("a", 1), eventOf("b", 2)]), { from: 0, next: 2 });
      expect(await held()).toEqual(["a", "b"]);
    });
    it("counts an event once that was delivered twice under its id, also from another partition", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)]), { from: 0, next: 1 });
      await harness.store.apply("e/1", batchOf([eventOf("a", 1)]), { from: 0, next: 1 });
      expect(await held()).toEqual(["a"]);
    });
    it("never moves a position back", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)], 5), { from: 0, next: 6 });
      await harness.store.apply("e/0", [], { from: 0, next: 3 });
      expect(await harness.store.position("e/0")).toBe(6);
      expect(await harness.store.position("other/0")).toBe(0);
    });
    it("keeps the latest purchases however many views follow", async () => {
      const views = Array.from({ length: profileBounds.recent }, (_, i) => eventOf(`v${i}`, 100 + i, "view"));
      await harness.store.apply("e/0", batchOf([eventOf("bought", 1), ...views]), { from: 0, next: 300 });
      const kept = await held();
      expect(kept).toContain("bought");
      expect(kept.length).toBe(profileBounds.recent + 1);
    });
    it("seeds whole profiles and applies events to them", async () => {
      const seeded = { eventId: "", itemId: "old", type: 3, timeSeconds: 1, value: 2 };
      await harness.store.seed([{ key: "u", profile: { ...emptyProfile("u"), attributes: { age: "31" }, events: [seeded, seeded] } }]);
      await harness.store.apply("e/0", batchOf([eventOf("new", 5)]), { from: 0, next: 1 });
      const [profile] = await harness.store.get(["u"]);
      expect(profile!.attributes).toEqual({ age: "31" });
      expect(profile!.events.map(({ itemId }) => itemId)).toEqual(["old", "old", "item new"]);
      expect(await harness.store.count()).toBe(1);
    });
    it("keeps acknowledged events when the subject is seeded again, and replaces what was seeded", async () => {
      const seeded = (itemId: string) => ({ eventId: "", itemId, type: 3, timeSeconds: 1, value: 2 });
      const seed = (...items: string[]) => harness.store.seed([{ key: "u", profile: { ...emptyProfile("u"), events: items.map(seeded) } }]);
      await seed("old");
      await harness.store.apply("e/0", batchOf([eventOf("new", 5)]), { from: 0, next: 1 });
      await seed("older", "old");
      await harness.store.apply("e/0", batchOf([eventOf("new", 5)]), { from: 0, next: 1 });
      const [held] = await harness.store.get(["u"]);
      expect(held!.events.map(({ itemId }) => itemId)).toEqual(["older", "old", "item new"]);
    });
    it("refuses what begins behind where it stands: it has lost writes, or is another store", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)]), { from: 0, next: 5 });
      const late = harness.store.apply("e/0", batchOf([eventOf("b", 2)], 7), { from: 7, next: 8 });
      await expect(late.catch((error: unknown) => isPositionLost(error))).resolves.toBe(true);
      expect(await held()).toEqual(["a"]);
      await harness.store.apply("e/0", batchOf([eventOf("b", 2)], 7), { from: 5, next: 8 });
      expect(await held()).toEqual(["a", "b"]);
    });
    it("erases what stands before, in every partition, and holds what comes behind", async () => {
      const partitions = ["e/0", "e/1"];
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)]), { from: 0, next: 1 });
      await harness.store.apply("e/0", eraseOf(1, "x", partitions), { from: 1, next: 2 });
      expect(isKnown((await harness.store.get(["u"]))[0]!)).toBe(false);
      // Of the other partition, which is behind: it stands before that partition's copy of the erasure.
      await harness.store.apply("e/1", batchOf([eventOf("b", 2)]), { from: 0, next: 1 });
      expect(await held()).toEqual([]);
      await harness.store.apply("e/0", batchOf([eventOf("c", 3)], 2), { from: 2, next: 3 });
      await harness.store.apply("e/1", eraseOf(1, "x", partitions), { from: 1, next: 2 });
      await harness.store.apply("e/1", batchOf([eventOf("d", 4)], 2), { from: 2, next: 3 });
      expect(await held()).toEqual(["c", "d"]);
    });
    it("drops what a login before an erasure copied, wherever the copies stand, and holds what one behind it copied", async () => {
      const partitions = ["e/0", "e/1"];
      const copied = (eventId: string, time: number, offset: number, login: LogPlace): Promise<unknown> =>
        harness.store.apply("e/0", batchOf([eventOf(eventId, time)], offset, login), { from: offset, next: offset + 1 });
      await harness.store.apply("e/0", eraseOf(1, "x", partitions), { from: 0, next: 2 });
      await copied("its partition has not brought the erasure", 1, 2, { partition: "e/1", offset: 4 });
      await copied("before it in the same partition", 2, 3, { partition: "e/0", offset: 0 });
      await harness.store.apply("e/1", eraseOf(5, "x", partitions), { from: 0, next: 6 });
      await copied("before it in the other partition", 3, 4, { partition: "e/1", offset: 4 });
      await copied("behind it", 4, 5, { partition: "e/1", offset: 6 });
      await copied("of a partition that was added", 5, 6, { partition: "e/2", offset: 0 });
      expect(await held()).toEqual(["behind it", "of a partition that was added"]);
    });
    it("erases twice while a partition lags, and holds what comes behind the later one", async () => {
      const partitions = ["e/0", "e/1"];
      await harness.store.apply("e/0", eraseOf(0, "x1", partitions), { from: 0, next: 1 });
      await harness.store.apply("e/0", eraseOf(1, "x2", partitions), { from: 1, next: 2 });
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)], 2), { from: 2, next: 3 });
      await harness.store.apply("e/1", eraseOf(0, "x1", partitions), { from: 0, next: 1 });
      await harness.store.apply("e/1", batchOf([eventOf("b", 2)], 1), { from: 1, next: 2 });
      await harness.store.apply("e/1", eraseOf(2, "x2", partitions), { from: 2, next: 3 });
      await harness.store.apply("e/0", batchOf([eventOf("c", 3)], 3), { from: 3, next: 4 });
      await harness.store.apply("e/1", batchOf([eventOf("d", 4)], 3), { from: 3, next: 4 });
      expect(await held()).toEqual(["a", "c", "d"]);
      expect((await harness.store.get(["u"]))[0]!.erased!.pending).toEqual([]);
    });
    it("keeps no word of who was erased, and does not seed them again", async () => {
      const profile = {
        ...emptyProfile("somebody"),
        attributes: { age: "31" },
        events: [{ eventId: "", itemId: "old", type: 3, timeSeconds: 1, value: 2 }],
      };
      await harness.store.seed([{ key: "u", profile }]);
      await harness.store.apply("e/0", eraseOf(0, "x", ["e/0"]), { from: 0, next: 1 });
      await harness.store.seed([{ key: "u", profile }]);
      expect((await harness.store.get(["u"]))[0]).toEqual({
        ...emptyProfile(),
        nextOffsets: { "e/0": 1 },
        erased: { id: "x", pending: [], at: { "e/0": 0 } },
      });
    });
    it("applies batches of several partitions to one subject at the same time", async () => {
      const partitions = Array.from({ length: 8 }, (_, p) => `e/${p}`);
      await Promise.all(
        partitions.map((partition, p) => harness.store.apply(partition, batchOf([eventOf(`${p}`, p)]), { from: 0, next: 1 })),
      );
      expect(await held()).toEqual(partitions.map((_, p) => `${p}`));
    });
    it("tells its profiles, and who may not claim it", async () => {
      await harness.store.claim("mine");
      await harness.store.claim("mine");
      await expect(harness.store.claim("theirs")).rejects.toThrow("MODISTE_SUBJECT_HASH_KEY");
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)]), { from: 0, next: 1 });
      const all = new Map<string, string[]>();
      for await (const [key, { events }] of harness.store.all())
        all.set(
          key,
          events.map(({ eventId }) => eventId),
        );
      expect(all).toEqual(new Map([["u", ["a"]]]));
    });
    it("has everything after it was closed and opened again", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)]), { from: 0, next: 1 });
      const before = await harness.store.get(["u"]);
      const again = await harness.reopen();
      expect(await again.get(["u"])).toEqual(before);
      expect(await again.position("e/0")).toBe(1);
    });
  });
}
