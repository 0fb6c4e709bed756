/** Harnesses of the stores' contract suites: an lmdb folder of its own, or keys of its own in a Redis. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRedis, type RedisConnection, type RedisSettings } from "#libs/store/redis-connection.ts";
import type { StoreHarness } from "./profile-store-contract.ts";
import { ownPrefix } from "./redis-servers.ts";

interface Closable {
  close(): Promise<void>;
}

/** @param open given the folder */
export async function lmdbHarness<Store extends Closable>(open: (folder: string) => Store): Promise<StoreHarness<Store>> {
  const folder = await mkdtemp(join(tmpdir(), "modiste-store-"));
  let store = open(folder);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = open(folder);
      return store;
    },
    remove: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** @param create given the prefix of the keys */
export async function redisHarness<Store extends Closable>(
  settings: RedisSettings,
  create: (connection: RedisConnection, prefix: string) => Store,
): Promise<StoreHarness<Store>> {
  const prefix = ownPrefix();
  let connection = await openRedis(settings);
  return {
    store: create(connection, prefix),
    reopen: async () => {
      await connection.close();
      connection = await openRedis(settings);
      return create(connection, prefix);
    },
    remove: async () => {
      for await (const keys of connection.scan(`${prefix}:*`)) await connection.send(keys.map((key) => ["del", key]));
      await connection.close();
    },
  };
}
