/** What a shop says of its items counts in the next answer: withdrawn, dearer, new; and a restart forgets nothing of it. */

import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readCatalog } from "#libs/release/catalog-part.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { type Answer, type HttpShop, itemIds, type RunningShop, runFleetOf, runOneProcess, until } from "./running-shop.ts";

interface ShownItem {
  readonly item_id: string;
  readonly name: string;
  readonly category: string;
  readonly price: number;
  readonly attributes: Readonly<Record<string, string>>;
}

interface ItemResults {
  readonly accepted: number;
  readonly results: readonly { readonly item_id: string; readonly accepted: boolean; readonly reason: string }[];
}

let shop: TestShop;
let running: RunningShop | undefined;

beforeAll(async () => {
  shop = await openTestShop();
});
afterEach(async () => {
  await running?.close();
  running = undefined;
});
afterAll(() => shop?.remove());

/** Budgets are real, and the machine may be busy: an answer counts when no part was late. */
const whole = (from: HttpShop, path: string): Promise<Answer> =>
  until(
    () => from.get<Answer>(path),
    ({ coverage }) => coverage.degraded.length === 0,
    200,
  );
const shownIn = (answer: Answer): readonly ShownItem[] => answer.items as unknown as readonly ShownItem[];
const upsert = (to: HttpShop, ...items: readonly Record<string, unknown>[]): Promise<ItemResults> =>
  to.post<ItemResults>("/v1/items", { items });
async function withdraw({ url }: HttpShop, id: string): Promise<number> {
  const { status } = await fetch(`${url}/v1/items/${encodeURIComponent(id)}`, { method: "DELETE" });
  return status;
}

/** Lists of each kind that may name an item. */
async function lists(from: HttpShop, id: string): Promise<Answer[]> {
  const similar = itemIds(await whole(from, `/v1/items/${id}/similar?n=3`))[0]!;
  const paths = [
    "/v1/popular?n=200",
    ...shop.userIds.slice(0, 4).map((user) => `/v1/recommendations?user_id=${user}&n=200`),
    `/v1/items/${similar}/similar?n=200`,
  ];
  return Promise.all(paths.map((path) => whole(from, path)));
}

const naming = (answers: readonly Answer[], id: string): number => answers.filter((answer) => itemIds(answer).includes(id)).length;

describe("in one process", () => {
  it("a withdrawn item is gone from the next answer, events on it are taken, and an update brings it back", async () => {
    running = await runOneProcess(shop);
    const [id] = itemIds(await whole(running, "/v1/popular?n=1"));
    const before = await lists(running, id!);
    expect(naming(before, id!)).toBeGreaterThan(1);
    expect(await withdraw(running, id!)).toBe(200);
    // Each kind of list has to be without it at the first look.
    for (const path of ["/v1/popular?n=200", `/v1/recommendations?user_id=${shop.userIds[0]}&n=200`])
      expect(itemIds(await running.get(path))).not.toContain(id);
    expect(naming(await lists(running, id!), id!)).toBe(0);
    const events = [{ user_id: "owner", item_id: id, type: "purchase" }];
    expect(await running.post("/v1/events", { events })).toMatchObject({ accepted: 1 });
    const { events: held } = await running.get<{ events: readonly ShownItem[] }>("/v1/users/owner");
    expect(held.map(({ item_id, name }) => [item_id, name !== ""])).toEqual([[id, true]]);
    expect((await upsert(running, { item_id: id })).accepted).toBe(1);
    expect(itemIds(await running.get("/v1/popular?n=200"))).toContain(id);
  });

  it("what is not available is in no list, pins and the static one among them", async () => {
    running = await runOneProcess(shop);
    const top = itemIds(await whole(running, "/v1/popular?n=40"));
    await upsert(running, ...top.map((item_id) => ({ item_id, available: false })));
    const answer = await running.get<Answer>("/v1/popular?n=40");
    expect(answer.items.length).toBe(40);
    expect(itemIds(answer).filter((id) => top.includes(id))).toEqual([]);
    await upsert(running, ...top.map((item_id) => ({ item_id, available: true })));
    expect(itemIds(await whole(running, "/v1/popular?n=40"))).toEqual(top);
  });

  it("a price passes and falls out of a filter, and shows in the answer", async () => {
    running = await runOneProcess(shop);
    const [item] = shownIn(await whole(running, "/v1/popular?n=1"));
    const id = item!.item_id;
    const dear = `/v1/popular?n=200&price_min=90000`;
    expect(itemIds(await running.get(dear))).toEqual([]);
    await upsert(running, { item_id: id, price: 99_999.5 });
    expect(shownIn(await running.get(dear)).map(({ item_id, price }) => [item_id, price])).toEqual([[id, 99_999.5]]);
    expect(itemIds(await running.get(`/v1/popular?n=200&price_max=90000`))).not.toContain(id);
    await upsert(running, { item_id: id, price: item!.price });
    expect(itemIds(await running.get(dear))).toEqual([]);
  });

  it("category and attributes change what filters say", async () => {
    running = await runOneProcess(shop);
    const [item] = shownIn(await whole(running, "/v1/popular?n=1"));
    const [attribute] = Object.keys(item!.attributes);
    await upsert(running, { item_id: item!.item_id, category: "Umbrella hats", attributes: { [attribute!]: "Invisible" } });
    for (const filter of ["category=Umbrella%20hats", `attribute=${attribute}:Invisible`]) {
      const [found] = shownIn(await whole(running, `/v1/popular?n=5&${filter}`));
      expect(found).toMatchObject({ item_id: item!.item_id, category: "Umbrella hats", attributes: { [attribute!]: "Invisible" } });
    }
    await upsert(running, {
      item_id: item!.item_id,
      category: item!.category,
      attributes: { [attribute!]: item!.attributes[attribute!]! },
    });
  });

  it("every item has its result; what is wrong is refused and the others are accepted", async () => {
    running = await runOneProcess(shop);
    const [id] = itemIds(await whole(running, "/v1/popular?n=1"));
    const { accepted, results } = await upsert(
      running,
      { item_id: id, price: -1 },
      { item_id: id, attributes: { smell: "fresh" } },
      { item_id: "unheard-of", price: 3 },
      { item_id: "" },
      { item_id: id },
    );
    expect(accepted).toBe(1);
    expect(results.map(({ reason }) => reason)).toEqual(["bad_price", "unknown_attribute", "incomplete_item", "no_item", ""]);
    expect(await withdraw(running, "unheard-of")).toBe(404);
    const many = await fetch(`${running.url}/v1/items`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ items: Array.from({ length: 1001 }, () => ({ item_id: id })) }),
    });
    expect([many.status, await many.json()]).toMatchObject([413, { reason: "batch_too_large", field: "items" }]);
  });

  it("all of it survives a restart", async () => {
    running = await runOneProcess(shop);
    const [first, second] = itemIds(await whole(running, "/v1/popular?n=2"));
    await withdraw(running, first!);
    await upsert(running, { item_id: second, price: 77_777 });
    await running.close();
    running = await runOneProcess(shop);
    expect(itemIds(await running.get("/v1/popular?n=200"))).not.toContain(first);
    const [dear] = shownIn(await whole(running, "/v1/popular?n=1&price_min=70000"));
    expect(dear).toMatchObject({ item_id: second, price: 77_777 });
    await upsert(running, { item_id: first });
  });
});

/** The product group of an item; answers do not tell it. */
async function productGroupOf(id: string): Promise<string> {
  const store = openFolderStore(join(shop.home, "releases"));
  const { indexOf, productGroup } = readCatalog(await store.part(await store.manifest(shop.release), "vocabulary"));
  return productGroup.values[productGroup.codes[indexOf.get(id)!]!]!;
}

/** An item of its own product that is in all else as another one. */
const twin = (item_id: string, { name, category, price, attributes }: ShownItem): Record<string, unknown> => ({
  item_id,
  name,
  category,
  price,
  attributes,
});

/** Asks as a session that has bought these items. */
const toBuyerOf = (from: HttpShop, ids: readonly string[], n: number): Promise<Answer> =>
  until(
    () => from.post<Answer>("/v1/recommendations", { session_id: "s", n, events: ids.map((item_id) => ({ item_id, type: "purchase" })) }),
    ({ coverage }) => coverage.degraded.length === 0,
    200,
  );

/** What must hold of a new item that is as `model`, in any shape of the fleet. */
async function expectAtHome(id: string, model: string, from: HttpShop): Promise<void> {
  expect(itemIds(await whole(from, `/v1/items/${model}/similar?n=20`))).toContain(id);
  expect(itemIds(await whole(from, `/v1/items/${id}/similar?n=20`))).toContain(model);
  const kin = itemIds(await whole(from, `/v1/items/${model}/similar?n=4`)).filter((other) => other !== id);
  const toKin = await toBuyerOf(from, [model, ...kin], 50);
  const found = toKin.items.find(({ item_id }) => item_id === id);
  expect(found?.reasons.map(({ kind }) => kind)).toContain("similar_content");
}

describe("a new item", () => {
  it("is like its kin, and recommended to who bought them, in the next answers and after a restart", async () => {
    running = await runOneProcess(shop);
    const [model] = shownIn(await whole(running, "/v1/popular?n=1"));
    expect((await upsert(running, twin("new-1", model!))).accepted).toBe(1);
    await expectAtHome("new-1", model!.item_id, running);
    const shown = shownIn(await whole(running, `/v1/items/${model!.item_id}/similar?n=20`)).find(({ item_id }) => item_id === "new-1");
    expect(shown).toMatchObject({ name: model!.name, category: model!.category, price: model!.price, attributes: model!.attributes });
    const events = [{ user_id: "first", item_id: "new-1", type: "purchase" }];
    expect(await running.post("/v1/events", { events })).toMatchObject({ accepted: 1 });
    expect((await whole(running, "/v1/recommendations?user_id=first")).coverage).toMatchObject({ user: "KNOWN", events: 1 });
    await running.close();
    running = await runOneProcess(shop);
    await expectAtHome("new-1", model!.item_id, running);
    expect(await withdraw(running, "new-1")).toBe(200);
    expect(itemIds(await running.get(`/v1/items/${model!.item_id}/similar?n=200`))).not.toContain("new-1");
  });

  it("is as popular as its product, and passes the filters that it should", async () => {
    running = await runOneProcess(shop);
    const [model] = shownIn(await whole(running, "/v1/popular?n=1"));
    const product_group = await productGroupOf(model!.item_id);
    await upsert(running, { ...twin("new-2", model!), product_group, category: "Umbrella hats", price: 66_666 });
    const popular = await whole(running, "/v1/popular?n=200");
    expect(popular.items.find(({ item_id }) => item_id === "new-2")?.reasons[0]?.kind).toBe("popular_product");
    for (const filter of ["category=Umbrella%20hats", "price_min=60000&price_max=70000"])
      expect(itemIds(await whole(running, `/v1/popular?n=5&${filter}`))).toEqual(["new-2"]);
    await withdraw(running, "new-2");
  });
});

describe("in a fleet", () => {
  it("a new item reaches every source and the ranker within a moment", async () => {
    const fleet = await runFleetOf(shop);
    try {
      const [model] = shownIn(await whole(fleet, "/v1/popular?n=1"));
      await upsert(fleet, twin("new-3", model!));
      await until(
        () => whole(fleet, `/v1/items/${model!.item_id}/similar?n=20`),
        (answer) => itemIds(answer).includes("new-3"),
      );
      await expectAtHome("new-3", model!.item_id, fleet);
    } finally {
      await fleet.stop();
    }
  }, 180_000);

  it("the next answer of the gateway that was told counts it, every source within a moment", async () => {
    const fleet = await runFleetOf(shop, { env: { MODISTE_LIVE_CATALOG_MS: "10" } });
    try {
      const [id] = itemIds(await whole(fleet, "/v1/popular?n=1"));
      expect(await withdraw(fleet, id!)).toBe(200);
      expect(itemIds(await fleet.get("/v1/popular?n=200"))).not.toContain(id);
      expect(naming(await lists(fleet, id!), id!)).toBe(0);
      const [other] = itemIds(await whole(fleet, "/v1/popular?n=1"));
      expect((await upsert(fleet, { item_id: other, price: 88_888 })).accepted).toBe(1);
      // The sources hold filters, too: the item comes when theirs has seen the price.
      const dear = await until(
        () => fleet.get<Answer>("/v1/popular?n=5&price_min=80000"),
        (answer) => answer.items.length > 0,
      );
      expect(shownIn(dear)[0]).toMatchObject({ item_id: other, price: 88_888 });
    } finally {
      await fleet.stop();
    }
  }, 180_000);
});
