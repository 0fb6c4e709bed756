/** Settings of Redis, where profiles, counters and catalogue changes stand if it is named. */

import { flag, form, integer, list, millis } from "#libs/config/fields.ts";
import { type ConfigOf, defineConfig } from "#libs/config/schema.ts";
import type { RedisSettings } from "#libs/store/redis-connection.ts";
import type { RedisProfileOptions } from "#libs/store/redis-profile-store.ts";

const isRedisUrl = (url: string): boolean => URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol) && new URL(url).hostname !== "";

const urls = list(
  "REDIS_URL",
  "Redis of profiles, counters and catalogue changes; several are nodes of one Cluster; none: the embedded stores",
  {
    secret: true,
    max: 32,
    fallback: [],
  },
);

export const redisSettings = defineConfig({
  redisUrl: {
    ...urls,
    expects: "URLs with redis: or rediss:, between commas",
    schema: urls.schema.refine((given) => given.every(isRedisUrl)),
  },
  redisCluster: flag("REDIS_CLUSTER", "a single REDIS_URL is a node of a Cluster", { fallback: false }),
  redisPrefix: form(
    "REDIS_PREFIX",
    "first part of every key in Redis",
    "1 to 64 letters, digits, dots, dashes or underscores",
    (prefix) => /^[\w.-]{1,64}$/.test(prefix),
    { fallback: "modiste" },
  ),
  redisTimeoutMs: millis("REDIS_TIMEOUT_MS", "longest wait for the answer to a command of Redis", { min: 1, max: 60_000, fallback: 250 }),
  redisLossSeconds: integer(
    "REDIS_LOSS_SECONDS",
    "how much a dying server of Redis may lose, the seconds of noticing it included; as much of the bus is applied again then",
    { min: 5, max: 86_400, fallback: 60 },
  ),
});

export interface RedisOptions {
  readonly connection: RedisSettings;
  readonly stores: Pick<RedisProfileOptions, "lossSeconds"> & { readonly prefix: string };
}

/** Null where no Redis is named. */
export function redisOptions(config: ConfigOf<typeof redisSettings>): RedisOptions | null {
  const { redisUrl, redisCluster: cluster, redisTimeoutMs: timeoutMs, redisPrefix: prefix, redisLossSeconds: lossSeconds } = config;
  if (redisUrl.length === 0) return null;
  return { connection: { urls: redisUrl, cluster, timeoutMs }, stores: { prefix, lossSeconds } };
}
