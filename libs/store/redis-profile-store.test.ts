import { expect, it } from "vitest";
import { profileStoreContract } from "#libs/testing/profile-store-contract.ts";
import { overRedis, ownPrefix } from "#libs/testing/redis-servers.ts";
import { redisHarness } from "#libs/testing/store-harness.ts";
import { emptyProfile } from "./profile.ts";
import { openRedis } from "./redis-connection.ts";
import { createRedisProfileStore } from "./redis-profile-store.ts";

overRedis((adapter, settings) => {
  profileStoreContract(adapter, () => redisHarness(settings, (connection, prefix) => createRedisProfileStore(connection, { prefix })));

  it(`puts a broken profile in ${adapter} aside, says so, and lets its subject begin anew`, async () => {
    const prefix = ownPrefix();
    const connection = await openRedis(settings);
    const broken: string[] = [];
    const store = createRedisProfileStore(connection, { prefix, onBroken: (key) => broken.push(key) });
    const bytes = Buffer.from([255, 255, 255]);
    await connection.send([["set", `${prefix}:profile:u`, bytes]]);
    expect(await store.get(["u"])).toEqual([null]);
    expect(broken).toEqual(["u"]);
    await store.seed([{ key: "u", profile: emptyProfile("u") }]);
    expect(await store.get(["u"])).toEqual([emptyProfile("u")]);
    expect(await connection.send([["get", `${prefix}:broken:u`]])).toEqual([bytes]);
    for await (const keys of connection.scan(`${prefix}:*`)) await connection.send(keys.map((key) => ["del", key]));
    await connection.close();
  });

  it(`finds many profiles of ${adapter}, and counts them`, async () => {
    const harness = await redisHarness(settings, (connection, prefix) => createRedisProfileStore(connection, { prefix }));
    const keys = Array.from({ length: 2500 }, (_, i) => `k${i}`);
    await harness.store.seed(keys.map((key) => ({ key, profile: emptyProfile(key) })));
    const found = new Set<string>();
    for await (const [key, { subject }] of harness.store.all()) {
      expect(subject).toBe(key);
      found.add(key);
    }
    expect([...found].sort()).toEqual([...keys].sort());
    expect(await harness.store.count()).toBe(2500);
    await harness.remove();
  });
});
