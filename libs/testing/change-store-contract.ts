/** What every adapter of the catalogue's change log must do; run against the real server. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChangeStore, ItemChange } from "#libs/store/change-store.ts";
import { isPositionLost } from "#libs/store/position-lost.ts";
import type { StoreHarness } from "./profile-store-contract.ts";

const change = (offset: number, itemId: string, text = `${itemId} at ${offset}`): ItemChange => ({
  offset,
  itemId,
  value: new TextEncoder().encode(text),
});

export function changeStoreContract(adapter: string, open: () => Promise<StoreHarness<ChangeStore>>): void {
  describe(`change store over ${adapter}`, () => {
    let harness: StoreHarness<ChangeStore>;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.remove());
    const since = async (number: number, limit = 100, store = harness.store): Promise<string[]> =>
      (await store.since(number, limit)).map(({ value }) => new TextDecoder().decode(value));

    it("tells what was appended in order, under numbers that rise", async () => {
      await harness.store.append("e/0", [change(0, "a"), change(1, "b"), change(2, "c")], { from: 0, next: 3 });
      const told = await harness.store.since(0, 100);
      expect(told.map(({ itemId }) => itemId)).toEqual(["a", "b", "c"]);
      expect(told.every(({ number }, i) => number > (told[i - 1]?.number ?? 0))).toBe(true);
      expect(await harness.store.last()).toBe(told.at(-1)!.number);
      expect(await since(told[0]!.number)).toEqual(["b at 1", "c at 2"]);
    });
    it("is empty and stands at the start before anything came", async () => {
      expect(await harness.store.last()).toBe(0);
      expect(await harness.store.since(0, 10)).toEqual([]);
      expect(await harness.store.position("e/0")).toBe(0);
    });
    it("keeps of an item the latest change alone, also within one call", async () => {
      await harness.store.append("e/0", [change(0, "a"), change(1, "b"), change(2, "a")], { from: 0, next: 3 });
      expect(await since(0)).toEqual(["b at 1", "a at 2"]);
      const last = await harness.store.last();
      await harness.store.append("e/0", [change(3, "b")], { from: 3, next: 4 });
      expect(await since(0)).toEqual(["a at 2", "b at 3"]);
      expect(await since(last)).toEqual(["b at 3"]);
    });
    it("tells no more than the limit, and goes on behind it", async () => {
      await harness.store.append("e/0", [change(0, "a"), change(1, "b"), change(2, "c")], { from: 0, next: 3 });
      const first = await harness.store.since(0, 2);
      expect(first.map(({ itemId }) => itemId)).toEqual(["a", "b"]);
      expect(await since(first[1]!.number, 2)).toEqual(["c at 2"]);
    });
    it("changes nothing when it is told again, and takes the new rest", async () => {
      await harness.store.append("e/0", [change(0, "a")], { from: 0, next: 1 });
      const last = await harness.store.last();
      await harness.store.append("e/0", [change(0, "a", "again")], { from: 0, next: 1 });
      expect(await harness.store.last()).toBe(last);
      await harness.store.append("e/0", [change(0, "a", "again"), change(1, "b")], { from: 0, next: 2 });
      expect(await since(0)).toEqual(["a at 0", "b at 1"]);
      expect(await harness.store.position("e/0")).toBe(2);
    });
    it("keeps partitions apart, and moves none of them back", async () => {
      await harness.store.append("e/0", [change(5, "a")], { from: 0, next: 6 });
      await harness.store.append("e/1", [change(0, "b")], { from: 0, next: 1 });
      await harness.store.append("e/0", [], { from: 0, next: 3 });
      expect(await harness.store.position("e/0")).toBe(6);
      expect(await harness.store.position("e/1")).toBe(1);
      expect(await since(0)).toEqual(["a at 5", "b at 0"]);
    });
    it("refuses what begins behind where it stands", async () => {
      await harness.store.append("e/0", [change(0, "a")], { from: 0, next: 5 });
      const late = harness.store.append("e/0", [change(7, "b")], { from: 7, next: 8 });
      await expect(late.catch((error: unknown) => isPositionLost(error))).resolves.toBe(true);
      expect(await since(0)).toEqual(["a at 0"]);
    });
    it("holds any bytes and any item id", async () => {
      const value = Uint8Array.from({ length: 256 }, (_, i) => i);
      await harness.store.append(
        "e/0",
        [
          { offset: 0, itemId: "größe {x} : 1\n", value },
          { offset: 1, itemId: "none", value: new Uint8Array() },
        ],
        {
          from: 0,
          next: 2,
        },
      );
      const [told, empty] = await harness.store.since(0, 2);
      expect(told!.itemId).toBe("größe {x} : 1\n");
      expect([...told!.value]).toEqual([...value]);
      expect(empty!.value).toHaveLength(0);
    });
    it("tells the latest change of the items that are asked for, in their order", async () => {
      expect(await harness.store.latest([])).toEqual([]);
      await harness.store.append("e/0", [change(0, "a"), change(1, "b"), change(2, "a")], { from: 0, next: 3 });
      const told = await harness.store.latest(["b", "nobody", "a"]);
      expect(told.map((value) => value && new TextDecoder().decode(value))).toEqual(["b at 1", null, "a at 2"]);
    });
    it("has everything after it was closed and opened again", async () => {
      await harness.store.append("e/0", [change(0, "a")], { from: 0, next: 1 });
      const last = await harness.store.last();
      const again = await harness.reopen();
      expect(await since(0, 10, again)).toEqual(["a at 0"]);
      expect(await again.last()).toBe(last);
      expect(await again.position("e/0")).toBe(1);
    });
  });
}
