import { changeStoreContract } from "#libs/testing/change-store-contract.ts";
import { overRedis } from "#libs/testing/redis-servers.ts";
import { redisHarness } from "#libs/testing/store-harness.ts";
import { createRedisChangeStore } from "./redis-change-store.ts";

overRedis((adapter, settings) => changeStoreContract(adapter, () => redisHarness(settings, createRedisChangeStore)));
