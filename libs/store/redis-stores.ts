/** The three stores over one connection to Redis. */

import type { ChangeStore } from "./change-store.ts";
import type { CounterStore } from "./counter-store.ts";
import type { ProfileStore } from "./profile-store.ts";
import { createRedisChangeStore } from "./redis-change-store.ts";
import { openRedis, type RedisSettings } from "./redis-connection.ts";
import { createRedisCounterStore } from "./redis-counter-store.ts";
import { createRedisProfileStore, type RedisProfileOptions } from "./redis-profile-store.ts";

export interface RedisStores {
  readonly profiles: ProfileStore;
  readonly counters: CounterStore;
  readonly changes: ChangeStore;
  /** Closes the connection of all three. */
  close(): Promise<void>;
}

export async function openRedisStores(settings: RedisSettings, options: RedisProfileOptions): Promise<RedisStores> {
  const connection = await openRedis(settings);
  return {
    profiles: createRedisProfileStore(connection, options),
    counters: createRedisCounterStore(connection, options.prefix),
    changes: createRedisChangeStore(connection, options.prefix),
    close: () => connection.close(),
  };
}
