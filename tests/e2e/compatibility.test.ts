/** Two versions of every service serve together, as they do while a deployment rolls: callers of before before servers of now, and the other way round. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceWord } from "#libs/config/schema.ts";
import { fleet } from "../../services/fleet.ts";
import { OldClient, type OldReplica, oldServices, startOldReplica } from "../support/old-version.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { sourcesFor } from "../support/sources.ts";
import { type Answer, type EventResults, itemIds, type RunningFleet, runFleetOf, until } from "./running-shop.ts";

const behind = fleet.filter(({ kind }) => kind !== "gateway");
/** End of the data. */
const now = 1_600_819_200;

let shop: TestShop;
let running: RunningFleet;
let client: OldClient;
const replicas = new Map<string, OldReplica>();

beforeAll(async () => {
  shop = await openTestShop();
  for (const { name } of behind) replicas.set(name, await startOldReplica());
  const urls = [...replicas].map(([name, { port }]) => [`MODISTE_${serviceWord(name)}_URL`, `dns:///127.0.0.1:${port}`]);
  running = await runFleetOf(shop, { env: Object.fromEntries(urls) });
  for (const [name, replica] of replicas) replica.standBefore(running.ports.get(name)!);
  client = new OldClient("modiste.v1.Recommender", running.ports.get("gateway")!);
});

afterAll(async () => {
  client?.close();
  await running?.stop();
  for (const replica of replicas.values()) replica.close();
  await shop?.remove();
});

interface OldProfiles {
  readonly profiles: readonly { readonly events: { readonly item_ids: readonly string[] } | null }[];
}

/** Budgets are real, and the machine may be busy: an answer counts when no part was late. */
const whole = (look: () => Promise<Answer>): Promise<Answer> => until(look, ({ coverage }) => coverage.degraded.length === 0, 200);

it("the version before is another one: it lacks what came since", () => {
  expect([...oldServices().keys()].sort()).toEqual([
    "modiste.v1.CandidateSource",
    "modiste.v1.Profiles",
    "modiste.v1.Ranker",
    "modiste.v1.Recommender",
  ]);
  expect(Object.keys(oldServices().get("modiste.v1.Profiles")!)).toEqual(["GetProfiles"]);
});

describe("a gateway of now over services of before, whose servers take requests of before", () => {
  it("answers in full, and every one of them was asked", async () => {
    const asked = sourcesFor("recommend").length;
    for (const user_id of shop.userIds) {
      const answer = await whole(() => running.post("/v1/recommendations", { user_id, now }));
      expect(answer).toMatchObject({ grade: "FULL", coverage: { user: "KNOWN", asked, answered: asked } });
      expect(answer.items).toHaveLength(12);
    }
    for (const [name, replica] of replicas) expect(replica.calls(), name).toBeGreaterThan(0);
  });

  it("answers for strangers, sessions and items", async () => {
    const popular = itemIds(await whole(() => running.get("/v1/popular?n=5")));
    const events = popular.map((item_id) => ({ item_id, type: "view", time: now - 60 }));
    expect((await whole(() => running.post("/v1/recommendations", { session_id: "s", events, now }))).items).toHaveLength(12);
    expect((await whole(() => running.get(`/v1/items/${popular[0]}/similar`))).items.length).toBeGreaterThan(0);
  });

  it("counts events", async () => {
    const [item_id] = itemIds(await running.get("/v1/popular?n=1"));
    const sent = await running.post<EventResults>("/v1/events", { events: [{ subject: "fresh", item_id, type: "view", time: now }] });
    expect(sent.accepted).toBe(1);
    const profiles = new OldClient("modiste.v1.Profiles", running.ports.get("profile")!);
    const held = await until(
      async () => (await profiles.call("GetProfiles", { subjects: ["fresh"] })) as unknown as OldProfiles,
      (answer) => (answer.profiles[0]?.events?.item_ids.length ?? 0) > 0,
    );
    profiles.close();
    expect(held.profiles[0]!.events!.item_ids).toEqual([item_id]);
  });

  it("says plainly what they cannot do: services are to be newer than who calls them", async () => {
    const response = await fetch(`${running.url}/v1/users/fresh`);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([501, "unimplemented"]);
  });
});

describe("a client of before", () => {
  it("is answered by the gateway of now, in words that it knows, though it stands over services of before", async () => {
    const [subject] = shop.userIds;
    const answer = await client.call("Recommend", { user_id: subject, n: 12 });
    expect(answer.items).toHaveLength(12);
    expect(await client.call("Popular", { n: 3 })).toMatchObject({ items: [{}, {}, {}] });
    const [item] = answer.items as readonly { readonly item_id: string }[];
    expect((await client.call("SimilarItems", { item_id: item!.item_id })).items).not.toEqual([]);
    const events = [{ subject: "of-before", item_id: item!.item_id, type: "EVENT_TYPE_PURCHASE", time_seconds: now }];
    expect(await client.call("RecordEvents", { events })).toMatchObject({ results: [{ accepted: true }] });
  });
});
