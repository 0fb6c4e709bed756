/** Nothing acknowledged is lost or counted twice, and every event counts in the next answer. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { type Answer, type EventResults, itemIds, type RunningShop, runOneProcess, type UserAnswer } from "./running-shop.ts";

/** Midnight after the last day of the test shop's data. */
const dataEnd = 1_600_819_200;

let shop: TestShop;
let running: RunningShop;

beforeAll(async () => {
  shop = await openTestShop();
});
afterEach(() => running?.close());
afterAll(() => shop?.remove());

const recommend = (user: string): Promise<Answer> => running.get(`/v1/recommendations?user_id=${user}`);
const record = (...events: readonly Record<string, unknown>[]): Promise<EventResults> => running.post("/v1/events", { events });

/** Items that nobody would get without having asked for them: the tail of the popular list. */
async function tailItems(count: number): Promise<string[]> {
  return itemIds(await running.get(`/v1/popular?n=200`)).slice(-count);
}

describe("an event", () => {
  it("counts in the answer after its acknowledgement, each time", async () => {
    running = await runOneProcess(shop);
    const [item] = await tailItems(1);
    const stranger = await recommend("newcomer-0");
    expect(stranger.coverage).toMatchObject({ user: "UNKNOWN", events: 0 });
    for (let i = 1; i <= 25; i++) {
      const user = `newcomer-${i}`;
      expect((await record({ user_id: user, item_id: item, type: "purchase" })).accepted).toBe(1);
      const answer = await recommend(user);
      expect(answer.coverage).toMatchObject({ user: "KNOWN", events: 1 });
      expect(itemIds(answer)).not.toEqual(itemIds(stranger));
    }
  });

  it("is shown to its user, newest first, with what the catalogue knows", async () => {
    running = await runOneProcess(shop);
    const [first, second] = await tailItems(2);
    // Newest by its own time, not by its arrival.
    await record({ user_id: "reader", item_id: second, type: "purchase", value: 12.5, time: dataEnd - 60 });
    await record({ user_id: "reader", item_id: first, type: "view", time: dataEnd - 3600 });
    const known = await running.get<UserAnswer>("/v1/users/reader");
    expect(known.events.map(({ item_id, type }) => [item_id, type])).toEqual([
      [second, "purchase"],
      [first, "view"],
    ]);
    expect(known.known).toBe(true);
  });

  it("survives a restart of the process, once it is acknowledged", async () => {
    running = await runOneProcess(shop);
    const items = await tailItems(40);
    const posts = items.map((item_id, i) => record({ event_id: `kept-${i}`, user_id: "keeper", item_id, type: "purchase" }));
    const acknowledged = (await Promise.all(posts)).reduce((sum, { accepted }) => sum + accepted, 0);
    expect(acknowledged).toBe(items.length);
    await running.close();
    running = await runOneProcess(shop);
    const known = await running.get<UserAnswer>("/v1/users/keeper");
    expect(new Set(known.events.map(({ item_id }) => item_id))).toEqual(new Set(items));
    expect(known.events.length).toBe(items.length);
  });

  it("counts once, however often its event_id is posted, also after a restart", async () => {
    running = await runOneProcess(shop);
    const [item] = await tailItems(1);
    const event = { event_id: "doubled", user_id: "twice", item_id: item, type: "purchase", time: 0 };
    await record(event, event);
    await record(event);
    await running.close();
    running = await runOneProcess(shop);
    await record(event);
    expect((await running.get<UserAnswer>("/v1/users/twice")).events.length).toBe(1);
    expect((await recommend("twice")).coverage.events).toBe(1);
  });

  it("has its own result; what is wrong is refused and the others are accepted", async () => {
    running = await runOneProcess(shop);
    const [item] = await tailItems(1);
    const { accepted, results } = await record(
      { user_id: "mixed", item_id: item, type: "purchase" },
      { user_id: "mixed", item_id: "no-such-item", type: "purchase" },
      { item_id: item, type: "purchase" },
      { user_id: "mixed", item_id: item, type: "stolen" },
      { user_id: "mixed", item_id: item, type: "view", time: 9e9 },
    );
    expect(accepted).toBe(1);
    expect(results.map(({ reason }) => reason)).toEqual(["", "unknown_item", "no_subject", "unknown_type", "time_ahead"]);
    expect((await running.get<UserAnswer>("/v1/users/mixed")).events.length).toBe(1);
  });

  it("of the session at hand counts without being recorded", async () => {
    running = await runOneProcess(shop);
    const [item] = await tailItems(1);
    const events = [{ item_id: item, type: "view" }];
    const answer = await running.post("/v1/recommendations", { session_id: "s1", events });
    expect(answer.coverage).toMatchObject({ user: "SESSION", events: 1 });
    expect((await running.get<UserAnswer>(`/v1/users/${encodeURIComponent("session:s1")}`)).known).toBe(false);
  });
});

async function send(path: string, method: string, body?: string, type = "application/x-ndjson"): Promise<Record<string, unknown>> {
  const init = body === undefined ? { method } : { method, body, headers: { "content-type": type } };
  const response = await fetch(running.url + path, init);
  return { status: response.status, ...((await response.json()) as object) };
}

describe("events as lines", () => {
  it("have a result each, also the line that is none", async () => {
    running = await runOneProcess(shop);
    const [item] = await tailItems(1);
    const lines = [
      JSON.stringify({ user_id: "liner", item_id: item, type: "view" }),
      "",
      "{ not json",
      JSON.stringify({ user_id: "liner", item_id: item, type: "view", colour: "red" }),
      JSON.stringify({ user_id: "liner", item_id: item, type: "stolen" }),
      JSON.stringify({ user_id: "liner", item_id: item, type: "like" }),
    ];
    const answer = await send("/v1/events", "POST", lines.join("\n"));
    expect(answer).toMatchObject({ status: 200, accepted: 2 });
    const results = answer.results as { reason: string; message: string }[];
    expect(results.map(({ reason }) => reason)).toEqual(["", "bad_line", "bad_line", "unknown_type", ""]);
    expect(results[2]!.message).toContain("colour");
    expect((await running.get<UserAnswer>("/v1/users/liner")).events.map(({ type }) => type).sort()).toEqual(["like", "view"]);
  });

  it("may be more than a batch, up to the size that is stated", async () => {
    running = await runOneProcess(shop);
    const [item] = await tailItems(1);
    const line = (i: number): string => JSON.stringify({ event_id: `n${i}`, user_id: `many-${i % 7}`, item_id: item, type: "view" });
    const answer = await send("/v1/events", "POST", Array.from({ length: 2500 }, (_, i) => line(i)).join("\n"));
    expect(answer.accepted).toBe(2500);
    expect(await send("/v1/events", "POST", " ".repeat((8 << 20) + 1))).toMatchObject({ status: 413, reason: "body_too_large" });
    expect(await send("/v1/events", "POST", "\n\n")).toMatchObject({ status: 400, field: "events" });
  });
});

describe("a login", () => {
  it("makes what the session did the user's, once, however often it is told", async () => {
    running = await runOneProcess(shop);
    const [first, second] = await tailItems(2);
    await record(
      { session_id: "s9", item_id: first, type: "view", time: dataEnd - 60 },
      { user_id: "returning", item_id: second, type: "purchase", time: dataEnd - 90 },
    );
    for (let i = 0; i < 3; i++)
      expect(await send("/v1/users/returning/sessions", "POST", '{"session_id":"s9"}', "application/json")).toEqual({ status: 200 });
    await expect
      .poll(async () => (await running.get<UserAnswer>("/v1/users/returning")).events.map(({ item_id }) => item_id))
      .toEqual([first, second]);
    expect((await recommend("returning")).coverage).toMatchObject({ user: "KNOWN", events: 2 });
  });

  it("needs a session and a user", async () => {
    running = await runOneProcess(shop);
    const login = (user: string, session: string) =>
      send(`/v1/users/${encodeURIComponent(user)}/sessions`, "POST", JSON.stringify({ session_id: session }), "application/json");
    expect(await login("u", "")).toMatchObject({ status: 400, field: "session_id" });
    expect(await login("session:x", "s")).toMatchObject({ status: 400, field: "user_id" });
    expect(await login("u", "x".repeat(250))).toMatchObject({ status: 400, field: "session_id" });
  });
});

describe("a user who is forgotten", () => {
  it("is unknown in the next answer and after a restart, and known again by what comes later", async () => {
    running = await runOneProcess(shop);
    const known = shop.userIds[3]!;
    const [item] = await tailItems(1);
    await record({ user_id: known, item_id: item, type: "view" });
    const answer = await send(`/v1/users/${known}`, "DELETE");
    expect(answer).toMatchObject({ status: 200, erase_id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect((await recommend(known)).coverage).toMatchObject({ user: "UNKNOWN", events: 0 });
    expect(await running.get<UserAnswer>(`/v1/users/${known}`)).toMatchObject({ known: false, events: [], attributes: {} });
    await running.close();
    running = await runOneProcess(shop);
    expect((await running.get<UserAnswer>(`/v1/users/${known}`)).known).toBe(false);
    await record({ user_id: known, item_id: item, type: "purchase" });
    expect((await running.get<UserAnswer>(`/v1/users/${known}`)).events.map(({ type }) => type)).toEqual(["purchase"]);
  });
});
