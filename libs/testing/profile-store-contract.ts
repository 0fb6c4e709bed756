/** What every adapter of the profile store must do; run against the real server. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Event } from "#libs/events/event.ts";
import { profileBounds } from "#libs/store/profile.ts";
import type { ProfileStore } from "#libs/store/profile-store.ts";

export interface StoreHarness {
  readonly store: ProfileStore;
  /** Closes the store and opens it on the same data. */
  reopen(): Promise<ProfileStore>;
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

const batchOf = (events: readonly Event[], from = 0) => [{ subject: "u", events: events.map((event, i) => ({ offset: from + i, event })) }];

export function profileStoreContract(adapter: string, open: () => Promise<StoreHarness>): void {
  describe(`profile store over ${adapter}`, () => {
    let harness: StoreHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.remove());
    const held = async (): Promise<string[]> => ((await harness.store.get(["u"]))[0]?.events ?? []).map(({ eventId }) => eventId);

    it("knows nothing of a subject that never came", async () => {
      expect(await harness.store.get(["nobody", "nobody else"])).toEqual([null, null]);
    });
    it("holds events in the order of time, whatever the order of arrival", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("late", 20), eventOf("early", 10)]), 2);
      expect(await held()).toEqual(["early", "late"]);
    });
    it("counts a replayed batch once, and moves its position once", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1), eventOf("b", 2)]), 2);
      const before = await harness.store.get(["u"]);
      await harness.store.apply("e/0", batchOf([eventOf("a", 1), eventOf("b", 2)]), 2);
      expect(await harness.store.get(["u"])).toEqual(before);
      expect(harness.store.position("e/0")).toBe(2);
    });
    it("takes the new rest of a batch that was applied in part", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)]), 1);
      await harness.store.apply("e/0", batchOf([eventOf("a", 1), eventOf("b", 2)]), 2);
      expect(await held()).toEqual(["a", "b"]);
    });
    it("counts an event once that was delivered twice under its id, also from another partition", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)]), 1);
      await harness.store.apply("e/1", batchOf([eventOf("a", 1)]), 1);
      expect(await held()).toEqual(["a"]);
    });
    it("never moves a position back", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)], 5), 6);
      await harness.store.apply("e/0", [], 3);
      expect(harness.store.position("e/0")).toBe(6);
      expect(harness.store.position("other/0")).toBe(0);
    });
    it("keeps the latest purchases however many views follow", async () => {
      const views = Array.from({ length: profileBounds.recent }, (_, i) => eventOf(`v${i}`, 100 + i, "view"));
      await harness.store.apply("e/0", batchOf([eventOf("bought", 1), ...views]), 300);
      const kept = await held();
      expect(kept).toContain("bought");
      expect(kept.length).toBe(profileBounds.recent + 1);
    });
    it("seeds whole profiles and applies events to them", async () => {
      const seeded = { eventId: "", itemId: "old", type: 3, timeSeconds: 1, value: 2 };
      await harness.store.seed([{ subject: "u", version: 1, attributes: { age: "31" }, events: [seeded, seeded], nextOffsets: {} }]);
      await harness.store.apply("e/0", batchOf([eventOf("new", 5)]), 1);
      const [profile] = await harness.store.get(["u"]);
      expect(profile!.attributes).toEqual({ age: "31" });
      expect(profile!.events.map(({ itemId }) => itemId)).toEqual(["old", "old", "item new"]);
      expect(harness.store.count()).toBe(1);
    });
    it("keeps acknowledged events when the subject is seeded again, and replaces what was seeded", async () => {
      const seeded = (itemId: string) => ({ eventId: "", itemId, type: 3, timeSeconds: 1, value: 2 });
      const profile = { subject: "u", version: 1, attributes: {}, nextOffsets: {} };
      await harness.store.seed([{ ...profile, events: [seeded("old")] }]);
      await harness.store.apply("e/0", batchOf([eventOf("new", 5)]), 1);
      await harness.store.seed([{ ...profile, events: [seeded("older"), seeded("old")] }]);
      await harness.store.apply("e/0", batchOf([eventOf("new", 5)]), 1);
      const [held] = await harness.store.get(["u"]);
      expect(held!.events.map(({ itemId }) => itemId)).toEqual(["older", "old", "item new"]);
    });
    it("has everything after it was closed and opened again", async () => {
      await harness.store.apply("e/0", batchOf([eventOf("a", 1)]), 1);
      const before = await harness.store.get(["u"]);
      const again = await harness.reopen();
      expect(await again.get(["u"])).toEqual(before);
      expect(again.position("e/0")).toBe(1);
    });
  });
}
