import { expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import type { CallOptions, Client } from "#libs/rpc/definition.ts";
import { GetUserResponse, type RecommenderDefinition } from "#protos/recommender.ts";
import { EventType } from "#protos/types.ts";
import { sampleUsers } from "./sample-users.ts";

const manifest = (...ids: readonly string[]): ReleaseManifest =>
  ({ golden: ids.map((user_id) => ({ user_id, name: `${user_id} in the release` })) }) as unknown as ReleaseManifest;

/** Users named after how many purchases they made; "view3" looked three times. */
const client = {
  getUser: async ({ subject = "" }: { readonly subject?: string }) => {
    const count = Number(subject.replace(/\D/g, ""));
    const type = subject.startsWith("view") ? EventType.EVENT_TYPE_VIEW : EventType.EVENT_TYPE_PURCHASE;
    const events = Array.from({ length: count }, () => ({ itemId: "i", type }));
    return GetUserResponse.fromPartial({ subject, known: count > 0, attributes: subject === "u1" ? {} : { age: "31" }, events });
  },
} as unknown as Client<typeof RecommenderDefinition>;

it("describes those with a history, longest first", async () => {
  expect(await sampleUsers(manifest("u0", "u1", "u24", "view3"), client, {})).toEqual([
    { user_id: "u24", label: "31 years, 24 purchases", purchases: 24 },
    { user_id: "view3", label: "31 years, 3 events", purchases: 0 },
    { user_id: "u1", label: "1 purchase", purchases: 1 },
  ]);
});

it("spreads over long and short histories when there are many", async () => {
  const ids = Array.from({ length: 20 }, (_, i) => `u${i + 1}`);
  const users = await sampleUsers(manifest(...ids), client, {});
  expect(users.length).toBe(6);
  expect([users[0]?.purchases, users.at(-1)?.purchases]).toEqual([20, 1]);
});

it("goes on without labels when nobody has a history or profiles are away", async () => {
  const expected = [{ user_id: "u0", label: "u0 in the release", purchases: 0 }];
  expect(await sampleUsers(manifest("u0"), client, {})).toEqual(expected);
  const away = { getUser: () => Promise.reject(new ModisteError("unavailable", "peer_down", "profile is away")) };
  expect(await sampleUsers(manifest("u0"), away as unknown as Client<typeof RecommenderDefinition>, {})).toEqual(expected);
});

it("tells nobody who may not ask, and asks with the caller's own key", async () => {
  const keys: unknown[] = [];
  const keyed = {
    getUser: (_request: unknown, { metadata }: CallOptions) => {
      keys.push(metadata?.authorization);
      return Promise.reject(new ModisteError("unauthenticated", "key_missing", "no bearer key was given"));
    },
  } as unknown as Client<typeof RecommenderDefinition>;
  const caller = { metadata: { authorization: "" } };
  await expect(sampleUsers(manifest("u1"), keyed, caller)).rejects.toMatchObject({ code: "unauthenticated", reason: "key_missing" });
  expect(keys).toEqual([""]);
});
