import { describe, expect, it } from "vitest";
import type { Event } from "#libs/events/event.ts";
import type { Client } from "#libs/rpc/definition.ts";
import { GetProfilesResponse, type ProfilesDefinition } from "#protos/profiles.ts";
import { EventType } from "#protos/types.ts";
import { dataEnd, queryOf } from "../test-shop.fixture.ts";
import { hydrateProfile } from "./profile.ts";

const context = { signal: new AbortController().signal, budgetMs: 10 };

function profiles(
  ...answers: Parameters<typeof GetProfilesResponse.fromPartial>[0][]
): Pick<Client<typeof ProfilesDefinition>, "getProfiles"> {
  return { getProfiles: async () => GetProfilesResponse.fromPartial(answers[0] ?? {}) };
}

const purchase = { itemIds: ["a0"], types: [EventType.EVENT_TYPE_PURCHASE], timesSeconds: [dataEnd - 100], values: [10] };
const event: Event = {
  eventId: "e1",
  subject: "u1",
  itemId: "b0",
  type: "view",
  timeSeconds: dataEnd - 50,
  value: 0,
  quantity: 1,
  surface: "",
  recommendationId: "",
  position: 0,
};

describe("hydrate", () => {
  it("joins profile and session in the order of time", async () => {
    const stage = hydrateProfile(profiles({ profiles: [{ subject: "u1", known: true, attributes: { age: "31" }, events: purchase }] }));
    const query = await stage.hydrate(queryOf({ session: [event] }), context);
    expect(query.history.itemIds).toEqual(["a0", "b0"]);
    expect(query.attributes.get("age")).toBe("31");
    expect(query.knowledge).toBe("known");
  });
  it("counts a session's event once that the profile holds already", async () => {
    const stage = hydrateProfile(profiles({ profiles: [{ subject: "u1", known: true, events: purchase }] }));
    const repeated: Event = { ...event, itemId: "a0", type: "purchase", timeSeconds: dataEnd - 100 };
    expect((await stage.hydrate(queryOf({ session: [repeated] }), context)).history.itemIds).toEqual(["a0"]);
  });
  it("keeps a profile's own repetitions: they are quantities", async () => {
    const twice = { itemIds: ["a0", "a0"], types: [3, 3] as EventType[], timesSeconds: [dataEnd - 100, dataEnd - 100], values: [1, 1] };
    const stage = hydrateProfile(profiles({ profiles: [{ subject: "u1", known: true, events: twice }] }));
    expect((await stage.hydrate(queryOf(), context)).history.itemIds).toEqual(["a0", "a0"]);
  });
  it("counts an event as now that lies ahead of the serving clock: clocks of shops differ", async () => {
    const stage = hydrateProfile(profiles({ profiles: [{ subject: "u1", known: true, events: purchase }] }));
    const { history } = await stage.hydrate(queryOf({ nowSeconds: dataEnd - 101 }), context);
    expect([history.itemIds, history.timesSeconds]).toEqual([["a0"], [dataEnd - 101]]);
  });
  it("leaves out what lies after an instant that the request asks for", async () => {
    const stage = hydrateProfile(profiles({ profiles: [{ subject: "u1", known: true, events: purchase }] }));
    const query = await stage.hydrate(queryOf({ nowSeconds: dataEnd - 101, asOf: true }), context);
    expect(query.history.itemIds).toEqual([]);
  });
  it("calls an unknown user unknown, not an error", async () => {
    const stage = hydrateProfile(profiles({ profiles: [{ subject: "u1", known: false }] }));
    expect((await stage.hydrate(queryOf(), context)).knowledge).toBe("unknown");
  });
  it("asks nobody for a visitor without any id", async () => {
    const stage = hydrateProfile({
      getProfiles: async () => {
        throw new Error("must not be asked");
      },
    });
    expect((await stage.hydrate(queryOf({ subjects: [], session: [event] }), context)).knowledge).toBe("session");
  });
  it("falls back to the session, and without one says that the profile is unavailable", () => {
    const stage = hydrateProfile(profiles());
    expect(stage.fallback(queryOf({ session: [event] }), "unavailable")).toMatchObject({
      knowledge: "session",
      history: { itemIds: ["b0"] },
    });
    expect(stage.fallback(queryOf(), "unavailable").knowledge).toBe("unavailable");
  });
});
