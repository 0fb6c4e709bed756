import { counterStoreContract } from "#libs/testing/counter-store-contract.ts";
import { overRedis } from "#libs/testing/redis-servers.ts";
import { redisHarness } from "#libs/testing/store-harness.ts";
import { createRedisCounterStore } from "./redis-counter-store.ts";

overRedis((adapter, settings) => counterStoreContract(adapter, () => redisHarness(settings, createRedisCounterStore)));
