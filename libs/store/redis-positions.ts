/**
 * Positions of the partitions that may go back. Beside its offset a partition keeps the lineage under which it was written and where it stood in
 * the last ten minutes. When the lineage is another one, the position goes back once to where it stood `lossSeconds` before its last move, or to
 * the start when a server came back empty; the records from there are applied again, and what had not been lost stays as it is.
 *
 * Why that is enough: what is lost was written within `lossSeconds` before a server died; writers know of the death within a second, so the last
 * move under the old lineage is at most that much later. `lossSeconds` must hold both, with room (MODISTE_REDIS_LOSS_SECONDS).
 * The position's own server may have lost its last moves as well: then it stands further back already, and goes back from there.
 */

import { ModisteError } from "#libs/core/errors.ts";
import { positionLost } from "./position-lost.ts";
import type { OffsetSpan } from "./profile-store.ts";
import { defineScript, type RedisCommand, type RedisConnection } from "./redis-connection.ts";
import { knownServer, type Lineage } from "./redis-lineage.ts";

/** Seconds between two entries of the history, and for which it is kept at least. */
const history = { stepSeconds: 5, keptSeconds: 600 } as const;

export interface HeldPosition {
  readonly next: number;
  /** False when servers have changed since it was written: it is to go back. */
  readonly isCurrent: boolean;
}

export type MoveOutcome = "moved" | "stranger";

export interface RedisPositions {
  /** Reads a position; to be sent with others, and its answer read by `held`. */
  command(partition: string): RedisCommand;
  held(answer: unknown, lineage: Lineage): HeldPosition;
  /** Goes back as far as the loss can be, if servers have changed. Answers where the partition stands then, null when its own server is not known. */
  rewind(partition: string, lineage: Lineage): Promise<number | null>;
  /** Never back. Throws "position_lost" when the position is before `from`, or was written under another lineage. */
  move(partition: string, span: OffsetSpan, lineage: Lineage): Promise<MoveOutcome>;
}

/** KEYS: record, history. ARGV: ids, masters, marks, from, next. The history is a list of "<seconds>:<offset>", oldest first. */
const moveScript = defineScript(`${knownServer}
if not isKnown(ARGV[1]) then return 'stranger' end
local held = redis.call('HMGET', KEYS[1], 'next', 'masters', 'marks')
local at, from, next = tonumber(held[1] or '0'), tonumber(ARGV[4]), tonumber(ARGV[5])
if held[1] and (held[2] ~= ARGV[2] or held[3] ~= ARGV[3]) then return 'lost:' .. at end
if at < from then return 'lost:' .. at end
local now = tonumber(redis.call('TIME')[1])
local reached = math.max(at, next)
redis.call('HSET', KEYS[1], 'next', string.format('%d', reached), 'masters', ARGV[2], 'marks', ARGV[3], 'time', now)
local last = redis.call('LINDEX', KEYS[2], -1)
if not last or now - tonumber(string.match(last, '^%d+')) >= ${history.stepSeconds} then
  redis.call('RPUSH', KEYS[2], string.format('%d:%d', now, reached))
  local second = redis.call('LINDEX', KEYS[2], 1)
  while second and tonumber(string.match(second, '^%d+')) <= now - tonumber(ARGV[6]) do
    redis.call('LPOP', KEYS[2])
    second = redis.call('LINDEX', KEYS[2], 1)
  end
end
return 'moved'
`);

/** KEYS: record, history. ARGV: ids, masters, marks, lossSeconds. Answers the position. */
const rewindScript = defineScript(`${knownServer}
if not isKnown(ARGV[1]) then return 'stranger' end
local held = redis.call('HMGET', KEYS[1], 'next', 'masters', 'marks', 'time')
if not held[1] then return '0' end
if held[2] == ARGV[2] and held[3] == ARGV[3] then return held[1] end
local back = '0'
if held[3] == ARGV[3] then
  local safe = tonumber(held[4]) - tonumber(ARGV[4])
  local last = redis.call('LINDEX', KEYS[2], -1)
  while last and tonumber(string.match(last, '^%d+')) > safe do
    redis.call('RPOP', KEYS[2])
    last = redis.call('LINDEX', KEYS[2], -1)
  end
  if last then back = string.match(last, '%d+$') end
else
  redis.call('DEL', KEYS[2])
end
redis.call('HSET', KEYS[1], 'next', back, 'masters', ARGV[2], 'marks', ARGV[3])
return back
`);

export function redisPositions(connection: RedisConnection, prefix: string, lossSeconds: number): RedisPositions {
  const record = (partition: string): string => `${prefix}:position:{${partition}}`;
  const keysOf = (partition: string): string[] => [record(partition), `${prefix}:position-history:{${partition}}`];
  const keptSeconds = Math.max(history.keptSeconds, 2 * lossSeconds);
  return {
    command: (partition) => ["hmget", record(partition), "next", "masters", "marks"],
    held: (answer, { masters, marks }) => {
      const [next, heldMasters, heldMarks] = (answer as (Buffer | null)[]).map((value) => value?.toString() ?? null);
      if (next === null || next === undefined) return { next: 0, isCurrent: true };
      return { next: Number(next), isCurrent: heldMasters === masters && heldMarks === marks };
    },
    rewind: async (partition, { ids, masters, marks }) => {
      const [answer] = await connection.run(rewindScript, [{ keys: keysOf(partition), args: [ids, masters, marks, lossSeconds] }]);
      return String(answer) === "stranger" ? null : Number(String(answer));
    },
    move: async (partition, { from, next }, { ids, masters, marks }) => {
      const args = [ids, masters, marks, from, next, keptSeconds];
      const [answer] = (await connection.run(moveScript, [{ keys: keysOf(partition), args }])).map(String);
      if (answer === "moved" || answer === "stranger") return answer;
      if (answer?.startsWith("lost:")) throw positionLost(partition, Number(answer.slice(5)), from);
      throw new ModisteError("internal", "invariant_broken", `a script answered ${answer}`);
    },
  };
}
