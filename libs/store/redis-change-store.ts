/**
 * The catalogue's change log in Redis. All of it lies in one hash slot and each step is one script, so that whatever Redis loses, positions and
 * changes go back together. Numbers are microseconds of the server's clock, or follow the one before: after a loss, what is appended again has
 * greater numbers than anything that was told, and who follows misses none of it.
 */

import type { ChangeStore } from "./change-store.ts";
import { positionLost } from "./position-lost.ts";
import { defineScript, type RedisConnection } from "./redis-connection.ts";
import { defaultPrefix } from "./redis-profile-store.ts";

/** In Lua: the number after `last`. */
export const nextNumber = `
local function nextNumber(last)
  local time = redis.call('TIME')
  return math.max(tonumber(last or '0') + 1, tonumber(time[1]) * 1000000 + tonumber(time[2]))
end
`;

/** KEYS: state, numbers, values. ARGV: partition, from, next, then offset, item and value of each change. */
const appendScript = defineScript(`${nextNumber}
local field = 'next:' .. ARGV[1]
local held = redis.call('HMGET', KEYS[1], field, 'last')
local position, from, next = tonumber(held[1] or '0'), tonumber(ARGV[2]), tonumber(ARGV[3])
if position < from then return position end
local last = held[2]
for i = 4, #ARGV, 3 do
  if tonumber(ARGV[i]) >= position then
    last = string.format('%.0f', nextNumber(last))
    redis.call('ZADD', KEYS[2], last, ARGV[i + 1])
    redis.call('HSET', KEYS[3], ARGV[i + 1], ARGV[i + 2])
  end
end
if last then redis.call('HSET', KEYS[1], 'last', last) end
if next > position then redis.call('HSET', KEYS[1], field, ARGV[3]) end
return -1
`);

/** KEYS: numbers, values. ARGV: number, limit. Answers item, number, value, one after the other. */
const sinceScript = defineScript(`
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local answer = {}
for i = 1, #found, 2 do
  answer[#answer + 1] = found[i]
  answer[#answer + 1] = string.format('%.0f', tonumber(found[i + 1]))
  answer[#answer + 1] = redis.call('HGET', KEYS[2], found[i])
end
return answer
`);

/** KEYS: values. ARGV: items. */
const latestScript = defineScript(`return redis.call('HMGET', KEYS[1], unpack(ARGV))`);

/** Closing the store leaves the connection open: it is its opener's. */
export function createRedisChangeStore(connection: RedisConnection, prefix = defaultPrefix): ChangeStore {
  const [state, numbers, values] = ["state", "numbers", "values"].map((part) => `${prefix}:changes:{${prefix}:changes}:${part}`) as [
    string,
    string,
    string,
  ];
  const stateOf = async (field: string): Promise<number> => Number((await connection.send([["hget", state, field]]))[0] ?? 0);
  return {
    append: async (partition, changes, { from, next }) => {
      const listed = changes.flatMap(({ offset, itemId, value }) => [offset, itemId, Buffer.from(value)]);
      const call = { keys: [state, numbers, values], args: [partition, from, next, ...listed] };
      const [position] = await connection.run(appendScript, [call]);
      if (position !== -1) throw positionLost(partition, Number(position), from);
    },
    position: (partition) => stateOf(`next:${partition}`),
    since: async (number, limit) => {
      const [answer] = (await connection.run(sinceScript, [{ keys: [numbers, values], args: [number, limit] }])) as [Buffer[]];
      return Array.from({ length: answer.length / 3 }, (_, i) => ({
        number: Number(answer[3 * i + 1]),
        itemId: String(answer[3 * i]),
        value: new Uint8Array(answer[3 * i + 2]!),
      }));
    },
    latest: async (itemIds) => {
      if (itemIds.length === 0) return [];
      const [answer] = (await connection.run(latestScript, [{ keys: [values], args: itemIds }])) as [(Buffer | null)[]];
      return answer.map((value) => (value === null ? null : new Uint8Array(value)));
    },
    last: () => stateOf("last"),
    close: async () => undefined,
  };
}
