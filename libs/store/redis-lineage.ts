/**
 * Whether Redis has lost writes. Redis acknowledges before it is durable: a killed server comes back without its last second, a promoted replica
 * without what had not reached it, a server without persistence empty; in a Cluster each master for itself.
 *
 * - Every master has a replication id: it names a line of writes, and is another one after each restart and each promotion. Those of all masters
 *   are looked at about once a second; and every script that writes a profile compares the id of the very server it runs on with those that its
 *   caller has seen. So no write reaches a server that came back before its caller knows: a later change on top of a lost one would hide it for
 *   good, for a profile leaves out what is below its own offsets.
 * - Marks, random words in slots all over the key space, tell a server that came back empty from one that lost a moment. They move with their
 *   slots, hence a Cluster that is resharded keeps them.
 *
 * What is not seen at once: one master of a Cluster emptied by hand (FLUSHALL) while it goes on living; it is seen within a second.
 */

import { createHash, randomUUID } from "node:crypto";
import type { Clock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import type { RedisConnection } from "./redis-connection.ts";

export interface Lineage {
  /** Start of the replication id of each master, between commas: what scripts look themselves up in. */
  readonly ids: string;
  /** Digest of `ids`. */
  readonly masters: string;
  /** Digest of the marks. */
  readonly marks: string;
}

export interface LineageWatch {
  /** What was seen at most a second ago. Throws `unavailable`. */
  current(): Promise<Lineage>;
  /** What is there now. */
  look(): Promise<Lineage>;
  /** Told by who met a server that it does not know. */
  forget(): void;
}

/** Milliseconds for which a look is good. */
const goodForMs = 1000;
/** Letters of a replication id that scripts compare: 64 bits. */
export const idLetters = 16;
/** Windows of neighbouring slots that have a mark each: masters of a Cluster with fewer slots than 256 may go without. */
const markWindows = 64;
const slotCount = 16_384;

/** In Lua: whether the server of this script is among the masters that its caller has seen, given as `seen`. */
export const knownServer = `
local function isKnown(seen)
  local id = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  return id ~= nil and string.find(seen, string.sub(id, 1, ${idLetters}), 1, true) ~= nil
end
`;

export function watchLineage(connection: RedisConnection, prefix: string, clock: Clock): LineageWatch {
  const marks = (connection.isCluster ? spreadTags(markWindows) : spreadTags(1)).map((tag) => `${prefix}:mark:{${tag}}`);
  let seen: { readonly lineage: Lineage; readonly atMs: number } | null = null;
  const readMarks = async (): Promise<string> => {
    let words = await connection.send(marks.map((key) => ["get", key]));
    const missing = marks.filter((_, i) => words[i] === null);
    if (missing.length > 0) {
      await connection.send(missing.map((key) => ["set", key, randomUUID(), "NX"]));
      words = await connection.send(marks.map((key) => ["get", key]));
    }
    return digest(words.map(String).join(" "));
  };
  const look = async (): Promise<Lineage> => {
    const atMs = clock.monotonicMs();
    const infos = (await connection.onMasters(["info", "replication"])).map(String);
    const ids = infos.filter((info) => /^role:master/m.test(info)).map((info) => /^master_replid:(\w+)/m.exec(info)?.[1] ?? "");
    if (ids.length === 0 || ids.includes("")) {
      throw new ModisteError("unavailable", "redis_unavailable", "redis has no master that tells its replication id");
    }
    const listed = ids
      .map((id) => id.slice(0, idLetters))
      .sort()
      .join(",");
    const lineage = { ids: listed, masters: digest(listed), marks: await readMarks() };
    seen = { lineage, atMs };
    return lineage;
  };
  return {
    look,
    current: async () => (seen !== null && clock.monotonicMs() - seen.atMs < goodForMs ? seen.lineage : look()),
    forget: () => {
      seen = null;
    },
  };
}

const digest = (text: string): string => createHash("sha1").update(text).digest("base64url");

/** One hash tag in each of `windows` equal windows of the slots. */
function spreadTags(windows: number): string[] {
  const tags = new Map<number, string>();
  for (let i = 0; tags.size < windows; i++) {
    const tag = i.toString(36);
    const window = Math.floor((slotOf(tag) * windows) / slotCount);
    if (!tags.has(window)) tags.set(window, tag);
  }
  return [...tags].sort(([a], [b]) => a - b).map(([, tag]) => tag);
}

/** Slot of a hash tag: CRC-16/XMODEM modulo 16384, as Redis Cluster defines it. */
export function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc % slotCount;
}
