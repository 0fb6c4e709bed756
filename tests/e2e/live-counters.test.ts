/** What a running shop sells changes what is popular in it, and a restart forgets nothing of it. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { type Answer, itemIds, type RunningShop, runFleetOf, runOneProcess, until } from "./running-shop.ts";

const env = { MODISTE_LIVE_COUNTERS_MS: "10", MODISTE_LIVE_REBUILD_MS: "10" };
/** Enough to outsell anything in a shop of 45,000 purchases in two years, whose newest count most. */
const buyers = 900;

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

/** An answer of the source itself: on a busy machine the first may come from what the gateway keeps for a source that is late. */
const popular = (from: Pick<RunningShop, "get">): Promise<Answer> =>
  until(
    () => from.get<Answer>("/v1/popular?n=200"),
    ({ coverage }) => coverage.sources.some(({ source, outcome }) => source === "popularity" && outcome === "answered"),
  );

describe("purchases over the bus", () => {
  let item: string;
  let reason: string;

  it("make an item popular within a moment, and still after a restart", async () => {
    running = await runOneProcess(shop, { env });
    item = itemIds(await popular(running)).at(-1)!;
    const events = Array.from({ length: buyers }, (_, i) => ({ user_id: `buyer-${i}`, item_id: item, type: "purchase", value: 7 }));
    const { accepted } = await running.post<{ accepted: number }>("/v1/events", { events });
    expect(accepted).toBe(buyers);
    const look = (): Promise<Answer> => popular(running!);
    const raised = await until(look, (answer) => itemIds(answer)[0] === item);
    reason = raised.items[0]!.reasons[0]!.kind;
    await running.close();
    running = await runOneProcess(shop, { env });
    // The first answer already: what was counted is followed before the service is ready.
    expect(itemIds(await popular(running))[0]).toBe(item);
  }, 120_000);

  it("are read by each process of a fleet from the store", async () => {
    const fleet = await runFleetOf(shop, { env });
    try {
      const answer = await popular(fleet);
      expect([itemIds(answer)[0], answer.items[0]!.reasons[0]!.kind]).toEqual([item, reason]);
    } finally {
      await fleet.stop();
    }
  }, 180_000);
});
