/**
 * Profiles in Redis, one server or a Cluster; several profile services may write. A profile is one key, written by compare-and-set: read, changed
 * here, and put back if its bytes are still the same. Losses of Redis are found and read again (`redis-lineage.ts`, `redis-positions.ts`).
 *
 * How durable a write is, is the operator's: with `appendfsync everysec` a killed server loses about its last second of what came over the bus,
 * which is read again from there; what was seeded is not on the bus, and is as durable as the server's own persistence.
 */

import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { positionLost } from "./position-lost.ts";
import { applyChanges, emptyProfile, type Profile, reseedProfile } from "./profile.ts";
import { decodeProfile, encodeProfile } from "./profile-codec.ts";
import type { OffsetSpan, ProfileBatch, ProfileStore, SeededProfile } from "./profile-store.ts";
import { defineScript, type RedisConnection } from "./redis-connection.ts";
import { knownServer, type Lineage, watchLineage } from "./redis-lineage.ts";
import { redisPositions } from "./redis-positions.ts";

export interface RedisProfileOptions {
  /** First part of every key: letters, digits, ".", "_" and "-". */
  readonly prefix?: string;
  /** Told of a stored record that cannot be read. Its bytes are put aside when its subject is written again. */
  readonly onBroken?: (key: string, cause: unknown) => void;
  /** How much a server may have lost when it dies, in seconds; a second or two of noticing among them. */
  readonly lossSeconds?: number;
  readonly clock?: Clock;
}

export const defaultPrefix = "modiste";
export const defaultLossSeconds = 60;

/** Tries of a batch whose profiles others write at the same time. */
const triesMax = 32;

/**
 * Each value ends with random bytes of its own, in a field of protobuf that no reader knows: comparing them is comparing the values, and costs
 * Redis nothing like a hash of ten thousand bytes.
 */
const stampBytes = 8;
/** Of field 2047 with 64 bits. */
const stampTag = Uint8Array.of(0xf9, 0x7f);
const stamped = (profile: Profile): Buffer => Buffer.concat([encodeProfile(profile), stampTag, randomBytes(stampBytes)]);

/** KEYS: profile. ARGV: ids of the masters, or "" from who does not care; the stamp of what was read, "" for nothing; the new bytes. */
const writeScript = defineScript(`${knownServer}
if ARGV[1] ~= '' and not isKnown(ARGV[1]) then return 'stranger' end
if redis.call('GETRANGE', KEYS[1], -${stampBytes}, -1) ~= ARGV[2] then return 'conflict' end
redis.call('SET', KEYS[1], ARGV[3])
return 'written'
`);

/** What stands under a key: its bytes, and the profile in them. */
interface Held {
  readonly key: string;
  readonly bytes: Buffer | null;
  /** Null where nothing stands, or nothing that can be read. */
  readonly profile: Profile | null;
}

/** A profile to be put in the place of what was read. */
interface Replacement {
  readonly held: Held;
  readonly profile: Profile;
}

/** Closing the store leaves the connection open: it is its opener's. */
export function createRedisProfileStore(connection: RedisConnection, options: RedisProfileOptions = {}): ProfileStore {
  const { prefix = defaultPrefix, onBroken = () => undefined, lossSeconds = defaultLossSeconds, clock = systemClock } = options;
  const profileKey = (key: string): string => `${prefix}:profile:${key}`;
  const lineages = watchLineage(connection, prefix, clock);
  const positions = redisPositions(connection, prefix, lossSeconds);

  const decode = (key: string, bytes: Buffer | null): Held => {
    if (bytes === null) return { key, bytes, profile: null };
    try {
      return { key, bytes, profile: decodeProfile(bytes) };
    } catch (cause) {
      onBroken(key, cause);
      return { key, bytes, profile: null };
    }
  };
  const read = async (keys: readonly string[]): Promise<Held[]> => {
    const values = await connection.send(keys.map((key) => ["get", profileKey(key)]));
    return keys.map((key, i) => decode(key, values[i] as Buffer | null));
  };
  /** Answers "written", "conflict" or "stranger" of each. */
  const write = async (replacements: readonly Replacement[], ids: string): Promise<string[]> => {
    const broken = replacements.filter(({ held }) => held.bytes !== null && held.profile === null);
    await connection.send(broken.map(({ held }) => ["set", `${prefix}:broken:${held.key}`, held.bytes!]));
    const calls = replacements.map(({ held, profile }) => ({
      keys: [profileKey(held.key)],
      args: [ids, held.bytes?.subarray(-stampBytes) ?? "", stamped(profile)],
    }));
    return (await connection.run(writeScript, calls)).map(String);
  };

  /** The profiles of the batches as they stand, if the partition stands where its changes can be applied. Null when servers have just changed. */
  const readBatches = async (partition: string, keys: readonly string[], from: number, lineage: Lineage): Promise<Held[] | null> => {
    const [position, ...values] = await connection.send([
      positions.command(partition),
      ...keys.map((key) => ["get", profileKey(key)] as const),
    ]);
    const { next, isCurrent } = positions.held(position, lineage);
    const stands = isCurrent ? next : await positions.rewind(partition, lineage);
    if (stands === null) return null;
    if (stands < from) throw positionLost(partition, stands, from);
    return keys.map((key, i) => decode(key, values[i] as Buffer | null));
  };
  /** One try. Null when somebody else wrote, or servers have changed meanwhile. */
  const tryApply = async (partition: string, batches: readonly ProfileBatch[], span: OffsetSpan): Promise<Profile[] | null> => {
    const lineage = await lineages.current();
    const keys = batches.map(({ key }) => key);
    const stranger = async (): Promise<null> => {
      lineages.forget();
      await connection.refresh();
      return null;
    };
    const held = await readBatches(partition, keys, span.from, lineage);
    if (held === null) return stranger();
    const replacements: Replacement[] = [];
    const applied = held.map((one, i) => {
      const before = one.profile ?? emptyProfile();
      const profile = applyChanges(before, partition, batches[i]!.changes);
      if (profile !== before) replacements.push({ held: one, profile });
      return profile;
    });
    const outcomes = await write(replacements, lineage.ids);
    if (outcomes.includes("stranger")) return stranger();
    if (outcomes.includes("conflict")) return null;
    return (await positions.move(partition, span, lineage)) === "moved" ? applied : stranger();
  };
  return {
    get: async (keys) => (await read(keys)).map(({ profile }) => profile),
    apply: async (partition, batches, span) => {
      for (let tries = 0; tries < triesMax; tries++) {
        const applied = await tryApply(partition, batches, span);
        if (applied !== null) return applied;
      }
      throw new ModisteError("aborted", "write_conflict", `profiles of partition ${partition} are written by others, or servers change`);
    },
    position: async (partition) => {
      const lineage = await lineages.look();
      const [answer] = await connection.send([positions.command(partition)]);
      const { next, isCurrent } = positions.held(answer, lineage);
      const stands = isCurrent ? next : await positions.rewind(partition, lineage);
      if (stands === null) throw new ModisteError("unavailable", "redis_unavailable", "servers of redis change just now");
      return stands;
    },
    seed: async (profiles) => {
      let left: readonly SeededProfile[] = profiles;
      for (let tries = 0; left.length > 0; tries++) {
        if (tries === triesMax) throw new ModisteError("aborted", "write_conflict", "profiles are written by others while they are seeded");
        left = await seedOnce(left);
      }
    },
    claim: async (mark) => {
      const key = `${prefix}:claim`;
      await connection.send([["set", key, mark, "NX"]]);
      const [held] = await connection.send([["get", key]]);
      if (String(held) !== mark) throw otherKey(prefix);
    },
    all: async function* () {
      for await (const keys of connection.scan(`${prefix}:profile:*`)) {
        for (const { key, profile } of await read(keys.map((key) => key.slice(profileKey("").length)))) {
          if (profile !== null) yield [key, profile] as const;
        }
      }
    },
    count: async () => {
      let count = 0;
      for await (const keys of connection.scan(`${prefix}:profile:*`)) count += keys.length;
      return count;
    },
    close: async () => undefined,
  };

  /** Answers those that somebody else wrote meanwhile. */
  async function seedOnce(profiles: readonly SeededProfile[]): Promise<SeededProfile[]> {
    const held = await read(profiles.map(({ key }) => key));
    const replacements = held.map((one, i) => {
      const { profile } = profiles[i]!;
      return { held: one, profile: one.profile === null ? profile : reseedProfile(one.profile, profile) };
    });
    // A seed carries no offsets, so it hides no lost record, whatever became of the servers.
    const outcomes = await write(replacements, "");
    return profiles.filter((_, i) => outcomes[i] === "conflict");
  }
}

const otherKey = (prefix: string): ModisteError =>
  new ModisteError(
    "failed_precondition",
    "other_key",
    `the profiles in redis under ${prefix} were written under another MODISTE_SUBJECT_HASH_KEY`,
  );
