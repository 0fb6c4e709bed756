import { afterEach, describe, expect, it } from "vitest";
import { encodeWord } from "#libs/catalog/codec.ts";
import { type ItemWord, unsaid } from "#libs/catalog/item-word.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import { indexCatalog } from "#libs/release/catalog-part.ts";
import type { ChangeStore } from "#libs/store/change-store.ts";
import { openLmdbChangeStore } from "#libs/store/lmdb-change-store.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { lmdbHarness } from "#libs/testing/store-harness.ts";
import { followCatalog, type LiveCatalog } from "./live-catalog.ts";

const shop = createFixtureShop();
const released = (): IndexedCatalog => indexCatalog(shop.catalog, shop.nowSeconds);

let live: LiveCatalog | undefined;
afterEach(async () => {
  await live?.close();
  live = undefined;
});

const word = (itemId: string, said: Partial<ItemWord> = {}): ItemWord => ({
  ...unsaid(itemId),
  withdrawn: false,
  changeId: `change of ${itemId}`,
  timeSeconds: 1,
  ...said,
});

/** Long enough that no look comes by itself. */
const never = 600_000;

async function withStore(run: (store: ChangeStore, say: (...words: ItemWord[]) => Promise<void>) => Promise<void>): Promise<void> {
  const { store, remove } = await lmdbHarness(openLmdbChangeStore);
  let next = 0;
  const say = async (...words: ItemWord[]): Promise<void> => {
    const changes = words.map((said, i) => ({ offset: next + i, itemId: said.itemId, value: encodeWord(said) }));
    await store.append("e/0", changes, { from: next, next: next + words.length });
    next += words.length;
  };
  try {
    await run(store, say);
  } finally {
    await live?.close();
    live = undefined;
    await remove();
  }
}

describe("the live catalogue", () => {
  it("lays what was said over any release, however late it is asked, and stays the same object until more is said", () =>
    withStore(async (store, say) => {
      await say(word("item-3", { price: 9 }), word("new", { name: "New", category: "dress" }));
      live = await followCatalog({ changes: store, intervalMs: never, onFailure: () => undefined });
      const [one, other] = [released(), released()];
      const first = live.over(one);
      expect([first.prices[3], first.itemCount, first.indexOf.get("new")]).toEqual([9, 201, 200]);
      expect(live.over(one)).toBe(first);
      await say(word("item-4", { withdrawn: true }));
      expect(live.over(one)).toBe(first);
      await live.refresh();
      expect([live.over(one).availability?.[4], first.availability?.[4], live.over(other).availability?.[4]]).toEqual([-1, 0, -1]);
      expect(live.over(other).prices).toEqual(live.over(one).prices);
    }));

  it("is told of more changes than it remembers the order of", () =>
    withStore(async (store, say) => {
      live = await followCatalog({ changes: store, intervalMs: never, onFailure: () => undefined });
      const catalog = released();
      await say(word("item-0", { price: 3 }));
      await live.refresh();
      live.over(catalog);
      for (let round = 0; round < 25; round++) {
        await say(...Array.from({ length: 1000 }, (_, i) => word(`unheard-${i}`, { price: round })));
        if (round === 3) await say(word("item-7", { price: 77 }));
        await live.refresh();
      }
      expect([live.over(catalog).prices[0], live.over(catalog).prices[7]]).toEqual([3, 77]);
    }));

  it("begins anew where the store has lost what was said", () =>
    withStore(async (store, say) => {
      let last: number | null = null;
      const losing = { since: store.since, last: async () => last ?? store.last() };
      await say(word("item-3", { price: 9 }), word("item-4", { price: 9 }));
      live = await followCatalog({ changes: losing, intervalMs: never, onFailure: () => undefined });
      const catalog = released();
      expect(live.over(catalog).prices[4]).toBe(9);
      last = 0;
      await live.refresh();
      expect(live.over(catalog)).toBe(catalog);
      last = null;
      await live.refresh();
      expect(live.over(catalog).prices[4]).toBe(9);
    }));

  it("sees a change that is waited for when it comes, and gives up on one that does not", () =>
    withStore(async (store, say) => {
      live = await followCatalog({ changes: store, intervalMs: never, onFailure: () => undefined });
      const waiting = live.untilSeen(new Map([["item-3", "mine"]]), 60_000);
      await say(word("item-3", { changeId: "other" }));
      await say(word("item-3", { changeId: "mine" }));
      expect(await waiting).toBe(true);
      expect(await live.untilSeen(new Map([["item-3", "never"]]), 1)).toBe(false);
    }));

  it("goes on with the last that it saw while the store fails, and past what it cannot read", () =>
    withStore(async (store, say) => {
      const failures: string[] = [];
      await say(word("item-3", { price: 9 }));
      let fails = false;
      const last = (): Promise<number> => (fails ? Promise.reject(new Error("away")) : store.last());
      const onFailure = ({ reason }: { readonly reason: string }): void => void failures.push(reason);
      live = await followCatalog({ changes: { since: store.since, last }, intervalMs: never, onFailure });
      fails = true;
      await expect(live.refresh()).rejects.toThrow("away");
      expect(live.over(released()).prices[3]).toBe(9);
      fails = false;
      await store.append("e/1", [{ offset: 0, itemId: "bad", value: Uint8Array.of(255) }], { from: 0, next: 1 });
      await say(word("item-5", { price: 2 }));
      await live.refresh();
      expect(live.over(released()).prices[5]).toBe(2);
      expect(failures).toEqual(["bad_item_change"]);
    }));
});
