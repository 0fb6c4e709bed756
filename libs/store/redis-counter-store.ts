/**
 * Live counters in Redis. All that a shard holds lies in one hash slot, and each step of it is one script, so that whatever Redis loses, counts and
 * offset go back together and what is read again from the bus is counted once. Change numbers are microseconds of the server's clock (see
 * `redis-change-store.ts`): what is counted again after a loss is told again, too.
 */

import { randomUUID } from "node:crypto";
import { ModisteError } from "#libs/core/errors.ts";
import { groupBy } from "#libs/core/group-by.ts";
import { type CountedEvent, type CounterStore, daySeconds, daysKept, hourSeconds, hoursKept } from "./counter-store.ts";
import { addToTally, emptyTally, mergeTallies, type Tally } from "./counter-tally.ts";
import { positionLost } from "./position-lost.ts";
import { nextNumber } from "./redis-change-store.ts";
import { defineScript, type RedisArgument, type RedisConnection } from "./redis-connection.ts";
import { defaultPrefix } from "./redis-profile-store.ts";

/** Most items of one answer of `changes`. */
const changesMax = 4000;
/** Tries of a batch while somebody else counts the same shard. */
const triesMax = 16;

/** Fields of an item beside its counts. */
const facts = ["firstSaleSeconds", "lastSaleSeconds", "lastPrice", "pricedSeconds", "newestSeconds"] as const satisfies (keyof Tally)[];

/** KEYS: shard, then the items. Answers the position, then the facts of each item. */
const readScript = defineScript(`
local answer = { redis.call('HGET', KEYS[1], 'next') or '0' }
for k = 2, #KEYS do
  answer[k] = redis.call('HMGET', KEYS[k], ${facts.map((fact) => `'${fact}'`).join(", ")})
end
return answer
`);

/**
 * Adds what was computed from the shard as it stood at a position, if it still stands there. KEYS: shard, changed, then the items. ARGV: position,
 * next, a new generation, then of each item its id, its facts, the last day and the last hour to be dropped (or "" and ""), the number of
 * counts, and field and increment of each. Answers -1, or the position when it is another one.
 */
const addScript = defineScript(`${nextNumber}
local position = tonumber(redis.call('HGET', KEYS[1], 'next') or '0')
if position ~= tonumber(ARGV[1]) then return position end
redis.call('HSETNX', KEYS[1], 'generation', ARGV[3])
local last, at = redis.call('HGET', KEYS[1], 'last'), 4
local function drop(key, unit, number)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local of = tonumber(string.match(field, '^' .. unit .. '(%d+):'))
    if of and of <= number then redis.call('HDEL', key, field) end
  end
end
for k = 3, #KEYS do
  local item, day, hour, counts = ARGV[at], ARGV[at + ${facts.length + 1}], ARGV[at + ${facts.length + 2}], tonumber(ARGV[at + ${facts.length + 3}])
  redis.call('HSET', KEYS[k], ${facts.map((fact, i) => `'${fact}', ARGV[at + ${i + 1}]`).join(", ")})
  at = at + ${facts.length + 4}
  for _ = 1, counts do
    redis.call('HINCRBY', KEYS[k], ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  if day ~= '' then
    drop(KEYS[k], 'd', tonumber(day))
    drop(KEYS[k], 'h', tonumber(hour))
  end
  last = string.format('%.0f', nextNumber(last))
  redis.call('ZADD', KEYS[2], last, item)
end
if last then redis.call('HSET', KEYS[1], 'last', last) end
redis.call('HSET', KEYS[1], 'next', ARGV[2])
return -1
`);

/** KEYS: shard, changed. ARGV: generation, number, limit. Answers generation and last number told, then the items. */
const changedScript = defineScript(`
local shard = redis.call('HMGET', KEYS[1], 'generation', 'last')
local generation, last, after = shard[1] or '', shard[2] or '0', ARGV[2]
if generation ~= ARGV[1] or tonumber(after) > tonumber(last) then after = '0' end
local found = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local answer = { generation, after }
for i = 1, #found, 2 do
  answer[#answer + 1] = found[i]
  answer[2] = string.format('%.0f', tonumber(found[i + 1]))
end
return answer
`);

/** [generation, last number] by shard. */
type Cursor = Readonly<Record<string, readonly [generation: string, last: string]>>;

function parseCursor(cursor: string): Cursor {
  if (cursor === "") return {};
  try {
    return JSON.parse(cursor) as Cursor;
  } catch (cause) {
    throw new ModisteError("invalid_argument", "cursor_broken", "the cursor was not given out by this store", { cause });
  }
}

/** Closing the store leaves the connection open: it is its opener's. */
export function createRedisCounterStore(connection: RedisConnection, prefix = defaultPrefix): CounterStore {
  const shards = `${prefix}:count-shards`;
  const shardKey = (partition: string): string => `${prefix}:counts:{${partition}}:shard`;
  const changedKey = (partition: string): string => `${prefix}:counts:{${partition}}:changed`;
  const itemKey = (partition: string, itemId: string): string => `${prefix}:counts:{${partition}}:item:${itemId}`;
  const positionOf = async (partition: string): Promise<number> =>
    Number((await connection.send([["hget", shardKey(partition), "next"]]))[0] ?? 0);

  /** Answers the position of the shard, and the facts of the items without their counts. */
  const read = async (partition: string, itemIds: readonly string[]): Promise<{ position: number; tallies: Tally[] }> => {
    // Readers find the shards here; said each time, for this key can be lost without the shard.
    const registered = connection.send([["sadd", shards, partition]]);
    const keys = [shardKey(partition), ...itemIds.map((itemId) => itemKey(partition, itemId))];
    const [[[position, ...answers]]] = (await Promise.all([connection.run(readScript, [{ keys, args: [] }]), registered])) as [
      [[Buffer, ...(Buffer | null)[][]]],
      unknown,
    ];
    const tallies = answers.map((answer) => {
      const values = answer.map((value) => Number(value ?? 0));
      return { ...emptyTally, ...Object.fromEntries(facts.map((fact, i) => [fact, values[i]!])) };
    });
    return { position: Number(position), tallies };
  };
  const tryAdd = async (partition: string, events: readonly CountedEvent[], from: number, next: number): Promise<boolean> => {
    const items = [...groupBy(events, ({ itemId }) => itemId)];
    const itemIds = items.map(([itemId]) => itemId);
    const { position, tallies } = await read(partition, itemIds);
    if (position < from) throw positionLost(partition, position, from);
    const changed = items.flatMap(([itemId, own], i) => {
      const fresh = own.filter(({ offset }) => offset >= position);
      return fresh.length === 0 ? [] : [{ itemId, args: additions(itemId, tallies[i]!, fresh) }];
    });
    const keys = [shardKey(partition), changedKey(partition), ...changed.map(({ itemId }) => itemKey(partition, itemId))];
    const args = [position, Math.max(position, next), randomUUID(), ...changed.flatMap((one) => one.args)];
    const [outcome] = await connection.run(addScript, [{ keys, args }]);
    return outcome === -1;
  };
  /** Of each item the tallies of all shards. */
  const talliesOf = async (itemIds: readonly string[], partitions: readonly string[]): Promise<Tally[][]> => {
    const answers = await connection.send(
      itemIds.flatMap((itemId) => partitions.map((partition) => ["hgetall", itemKey(partition, itemId)] as const)),
    );
    const tallies = answers.map(tallyOf);
    return itemIds.map((_, i) => tallies.slice(i * partitions.length, (i + 1) * partitions.length));
  };
  return {
    add: async (partition, events, { from, next }) => {
      for (let tries = 0; tries < triesMax; tries++) if (await tryAdd(partition, events, from, next)) return;
      throw new ModisteError("aborted", "write_conflict", `the counters of partition ${partition} are written by others`);
    },
    position: positionOf,
    changes: async (cursor) => {
      const known = parseCursor(cursor);
      const [names] = (await connection.send([["smembers", shards]])) as [Iterable<Buffer>];
      const partitions = [...names].map(String).sort();
      const limit = Math.max(1, Math.floor(changesMax / Math.max(1, partitions.length)));
      const calls = partitions.map((partition) => {
        const [generation, last] = known[partition] ?? ["", "0"];
        return { keys: [shardKey(partition), changedKey(partition)], args: [generation, last, limit] };
      });
      const told = ((await connection.run(changedScript, calls)) as Buffer[][]).map((answer) => answer.map(String));
      const reached = partitions.map((partition, i) => [partition, told[i]!.slice(0, 2)] as const);
      const itemIds = [...new Set(told.flatMap((answer) => answer.slice(2)))];
      const tallies = await talliesOf(itemIds, partitions);
      return {
        cursor: JSON.stringify(Object.fromEntries(reached)),
        items: itemIds.map((itemId, i) => mergeTallies(itemId, tallies[i]!)),
      };
    },
    close: async () => undefined,
  };
}

/** Arguments of the script for one item. The counts that are held are not read: only what is added to them counts here. */
function additions(itemId: string, held: Tally, events: readonly CountedEvent[]): RedisArgument[] {
  const added = addToTally(held, events);
  const counts = Object.entries(added.counts);
  const day = Math.floor(added.newestSeconds / daySeconds) - daysKept;
  const hour = Math.floor(added.newestSeconds / hourSeconds) - hoursKept;
  const hasMoved = Math.floor(held.newestSeconds / hourSeconds) !== Math.floor(added.newestSeconds / hourSeconds);
  const dropped = hasMoved && held.newestSeconds > 0 ? [day, hour] : ["", ""];
  return [itemId, ...facts.map((fact) => added[fact]), ...dropped, counts.length, ...counts.flat()];
}

/** From the fields of a hash and their values; without any, an empty one. */
function tallyOf(answer: unknown): Tally {
  const fields = new Map(pairsOf(answer));
  const known = Object.fromEntries(facts.map((fact) => [fact, fields.get(fact) ?? 0]));
  for (const fact of facts) fields.delete(fact);
  return { ...emptyTally, ...known, counts: Object.fromEntries(fields) };
}

function pairsOf(answer: unknown): [string, number][] {
  if (!Array.isArray(answer)) return Object.entries(answer as Record<string, Buffer>).map(([field, value]) => [field, Number(value)]);
  return Array.from({ length: answer.length / 2 }, (_, i) => [String(answer[2 * i]), Number(answer[2 * i + 1])]);
}
