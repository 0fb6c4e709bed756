/** A shop over Kafka: an event reaches its user's profile by way of the broker; without a broker the shop answers all the same. */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "#libs/testing/free-port.ts";
import { itemIds, type RunningShop, runOneProcess, type UserAnswer } from "../e2e/running-shop.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { adminOf, kafkaServer } from "./kafka-server.ts";

let shop: TestShop;
let running: RunningShop;

beforeAll(async () => {
  shop = await openTestShop();
});
afterEach(() => running?.close());
afterAll(() => shop?.remove());

it("starts and recommends without a broker, refuses events, and says why it is not ready", async () => {
  const [port] = await freePorts(1);
  running = await runOneProcess(shop, { env: { MODISTE_KAFKA_BROKERS: `127.0.0.1:${port}` } });
  expect(itemIds(await running.get("/v1/recommendations?user_id=anyone")).length).toBeGreaterThan(0);
  await expect(running.post("/v1/events", { events: [{ user_id: "u", item_id: "i", type: "view" }] })).resolves.toMatchObject({
    accepted: 0,
  });
  const [item] = itemIds(await running.get("/v1/popular?n=1"));
  await expect(running.post("/v1/events", { events: [{ user_id: "u", item_id: item, type: "view" }] })).rejects.toThrow(/answered 503/);
  expect(running.started.ready()).toMatch(/events are not applied: .*(Kafka|bus)/);
});

const server = kafkaServer("MODISTE_TEST_KAFKA");

describe.skipIf(server === null)(`a shop over Kafka${server === null ? ": MODISTE_TEST_KAFKA is not set" : ""}`, () => {
  it("holds in the profile what was accepted, also an event that comes alone and that none follows: nothing waits for company", async () => {
    const prefix = `shop-${randomUUID()}.`;
    running = await runOneProcess(shop, { env: { MODISTE_KAFKA_BROKERS: server!.broker, MODISTE_KAFKA_TOPIC_PREFIX: prefix } });
    const [item] = itemIds(await running.get("/v1/popular?n=1"));
    const { accepted } = await running.post<{ accepted: number }>("/v1/events", {
      events: [{ user_id: "over-kafka", item_id: item, type: "purchase" }],
    });
    expect(accepted).toBe(1);
    // The broker stands between acknowledgement and profile, so it is asked until it knows; the test's own limit ends that.
    let user = await running.get<UserAnswer>("/v1/users/over-kafka");
    for (; !user.known; user = await running.get("/v1/users/over-kafka")) await delay(10);
    expect(user.events.map(({ item_id, type }) => [item_id, type])).toEqual([[item, "purchase"]]);
    await running.close();
    const admin = adminOf(server!);
    await admin.connect();
    const own = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
    await admin.deleteTopics({ topics: own });
    await admin.disconnect();
    expect(own).toContain(`${prefix}modiste.events.v1`);
  });
});
