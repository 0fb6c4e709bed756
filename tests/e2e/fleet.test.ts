/** One pipeline, two shapes: the fleet over gRPC answers as one process does; what is killed degrades the answer and nothing else. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RequestKind } from "../../services/fleet.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { allSources, sourcesFor } from "../support/sources.ts";
import {
  type Answer,
  comparable,
  type EventResults,
  itemIds,
  type RunningFleet,
  type RunningShop,
  runFleetOf,
  runOneProcess,
  type UserAnswer,
  until,
} from "./running-shop.ts";

let shop: TestShop;
let second: TestShop;
let one: RunningShop;
let fleet: RunningFleet;

beforeAll(async () => {
  shop = await openTestShop();
  // Its own copy of the profiles: both follow their own bus.
  second = await openTestShop();
  fleet = await runFleetOf(second);
  one = await runOneProcess(shop);
});

afterAll(async () => {
  await Promise.all([one?.close(), fleet?.stop()]);
  await Promise.all([shop?.remove(), second?.remove()]);
});

/** End of the data; both answer for the same instant. */
const now = 1_600_819_200;

/** Budgets are real, and the machine may be busy: an answer counts when no part was late. */
const whole = (look: () => Promise<Answer>): Promise<Answer> => until(look, ({ coverage }) => coverage.degraded.length === 0, 200);

async function bothGet(path: string): Promise<[unknown, unknown]> {
  return [comparable(await whole(() => one.get(path))), comparable(await whole(() => fleet.get(path)))];
}

async function bothPost(body: unknown): Promise<[unknown, unknown, Answer]> {
  const a = await whole(() => one.post("/v1/recommendations", body));
  return [comparable(a), comparable(await whole(() => fleet.post("/v1/recommendations", body))), a];
}

describe("the same request is answered alike by one process and by the fleet", () => {
  it("for users", async () => {
    const asked = sourcesFor("recommend").length;
    for (const user_id of shop.userIds) {
      const [a, b, answer] = await bothPost({ user_id, now });
      expect(answer).toMatchObject({ grade: "FULL", coverage: { user: "KNOWN", asked, answered: asked } });
      expect(answer.items.length).toBe(12);
      expect(a).toEqual(b);
    }
  });

  it("for strangers and sessions", async () => {
    const popular = itemIds(await one.get("/v1/popular?n=20"));
    const events = popular.slice(10, 14).map((item_id) => ({ item_id, type: "view", time: now - 60 }));
    for (const body of [
      { user_id: "stranger", now },
      { session_id: "s", events, now },
      { user_id: shop.userIds[3], session_id: "s", events, now, surface: "basket" },
    ]) {
      const [a, b] = await bothPost(body);
      expect(a).toEqual(b);
    }
  });

  it("for similar items and popular ones", async () => {
    const items = itemIds(await one.get("/v1/popular?n=6"));
    for (const item of items) {
      const [a, b] = await bothGet(`/v1/items/${item}/similar?n=20`);
      expect(a).toEqual(b);
    }
    for (const path of ["/v1/popular?n=50", "/v1/popular?age=31", "/v1/popular?age=67&n=5"]) {
      const [a, b] = await bothGet(path);
      expect(a).toEqual(b);
    }
  });

  it("under filters, which leave no other item in", async () => {
    const catalogue = (
      await one.get<{ items: { category: string; attributes: Record<string, string>; item_id: string; price: number }[] }>(
        "/v1/popular?n=1",
      )
    ).items[0]!;
    const [attribute, value] = Object.entries(catalogue.attributes)[0]!;
    const filters = [{ categories: [catalogue.category] }, { attributes: { [attribute]: [value] } }, { price_max: catalogue.price }];
    for (const filter of filters) {
      const [a, b, answer] = await bothPost({ user_id: shop.userIds[5], now, filter });
      expect(a).toEqual(b);
      expect(answer.items.length).toBeGreaterThan(0);
      for (const item of answer.items as unknown as (typeof catalogue)[]) {
        if (filter.categories) expect(item.category).toBe(catalogue.category);
        if (filter.attributes) expect(item.attributes[attribute]).toBe(value);
        if (filter.price_max) expect(item.price).toBeLessThanOrEqual(catalogue.price);
      }
    }
  });

  it("and refused alike", async () => {
    for (const path of ["/v1/recommendations?n=0", "/v1/recommendations?surface=moon", "/v1/items/none/similar"]) {
      const answers = await Promise.all(
        [one, fleet].map(async ({ url }) => {
          const response = await fetch(url + path);
          const { trace_id: _, instance: __, ...problem } = (await response.json()) as Record<string, unknown>;
          return { status: response.status, problem };
        }),
      );
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]!.status).toBeLessThan(500);
    }
  });
});

describe("what the table says that a source serves", () => {
  /** Candidates of every source over several answers; null: it was not asked. */
  const candidatesOf = (answers: readonly Answer[]): Record<string, number | null> =>
    Object.fromEntries(
      allSources.map((name) => {
        const reports = answers.map(({ coverage }) => coverage.sources.find(({ source }) => source === name)!);
        const asked = reports.filter(({ outcome }) => outcome !== "not_asked");
        return [name, asked.length === 0 ? null : asked.reduce((sum, { candidates }) => sum + candidates, 0)];
      }),
    );

  const questions: Readonly<Record<RequestKind, () => Promise<Promise<Answer>[]>>> = {
    recommend: async () => shop.userIds.map((user_id) => whole(() => one.post("/v1/recommendations", { user_id, now }))),
    similar: async () => itemIds(await one.get("/v1/popular?n=10")).map((item) => whole(() => one.get(`/v1/items/${item}/similar`))),
    popular: async () => ["31", "67"].map((age) => whole(() => one.get(`/v1/popular?age=${age}`))),
  };

  it.each(["recommend", "similar", "popular"] as const)("%s: it is asked and has candidates; others are not asked", async (kind) => {
    const found = candidatesOf(await Promise.all(await questions[kind]()));
    const served = sourcesFor(kind);
    expect(Object.keys(found).filter((source) => found[source] !== null)).toEqual(served);
    expect(served.filter((source) => !found[source])).toEqual([]);
  });
});

describe("an event in the fleet", () => {
  it("changes the answer soon after its acknowledgement, and is counted once", async () => {
    const item_id = itemIds(await fleet.get("/v1/popular?n=200")).at(-1)!;
    const event = { event_id: "fleet-1", user_id: "fleet-newcomer", item_id, type: "purchase" };
    for (let i = 0; i < 3; i++) expect((await fleet.post<EventResults>("/v1/events", { events: [event] })).accepted).toBe(1);
    const seen = await until(
      () => fleet.get("/v1/recommendations?user_id=fleet-newcomer"),
      ({ coverage }) => coverage.user === "KNOWN",
    );
    expect(seen.coverage.events).toBe(1);
    const user = await fleet.get<UserAnswer>("/v1/users/fleet-newcomer");
    expect(user.events.map((held) => held.item_id)).toEqual([item_id]);
  });
});

// Last: each test takes a part away for good.
describe("a killed process", () => {
  const ask = (): Promise<Answer> => fleet.post("/v1/recommendations", { user_id: shop.userIds[2], now });

  it("of a source: the answer is full, PARTIAL, and names it", async () => {
    fleet.kill("lightgcn");
    // Another source may be late as well on a busy machine: until none is.
    const answer = await until(ask, ({ coverage }) => coverage.degraded.length === 1 && coverage.degraded[0]!.startsWith("lightgcn:"), 400);
    expect(answer.grade).toBe("PARTIAL");
    expect(answer.items.length).toBe(12);
    expect(answer.coverage.degraded).toEqual([expect.stringMatching(/^lightgcn:(unavailable|deadline_exceeded)$/)]);
    expect(answer.coverage.sources.find(({ source }) => source === "lightgcn")!.outcome).toMatch(/failed|late/);
  });

  it("of the ranker: UNRANKED", async () => {
    fleet.kill("ranking");
    const answer = await until(ask, ({ grade }) => grade !== "PARTIAL");
    expect(answer.grade).toBe("UNRANKED");
    expect(answer.items.length).toBe(12);
    expect(answer.coverage.degraded).toContainEqual(expect.stringMatching(/^ranking:/));
  });

  it("of the profile: IMPERSONAL; events are still taken", async () => {
    fleet.kill("profile");
    const answer = await until(ask, ({ grade }) => grade !== "UNRANKED");
    expect(answer.grade).toBe("IMPERSONAL");
    expect(answer.coverage.user).toBe("UNAVAILABLE");
    expect(answer.items.length).toBe(12);
    const event = { user_id: "later", item_id: answer.items[0]!.item_id, type: "view" };
    expect((await fleet.post<EventResults>("/v1/events", { events: [event] })).accepted).toBe(1);
  });

  it("of all sources: STATIC", async () => {
    for (const service of allSources) if (service !== "lightgcn") fleet.kill(service);
    const answer = await until(ask, ({ grade }) => grade === "STATIC");
    expect(answer.items.length).toBe(12);
    expect(answer.items[0]!.reasons[0]).toMatchObject({ kind: "popular_static" });
  });
});

describe("the HTTP door of a gateway", () => {
  it("asks its own process, wherever its address says that gateways are: that may be another replica", async () => {
    const third = await openTestShop();
    const alone = await runOneProcess(third, { env: { MODISTE_GATEWAY_URL: "dns:///127.0.0.1:1" } });
    try {
      expect((await alone.get("/v1/popular?n=3")).items).toHaveLength(3);
    } finally {
      await alone.close();
      await third.remove();
    }
  });
});
