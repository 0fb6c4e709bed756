/** Exact top-k lists of many users at once, all items scored, what a user has left out. Ties go to the lower item. */

import { assert } from "#libs/core/errors.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { createPool } from "#libs/sparse/pool.ts";
import { open, type RankInput, rankScratchBytes } from "#libs/sparse/rank-worker.ts";
import { createArena, openKernels } from "#libs/sparse/wasm.ts";

/** Row u is [u * k, u * k + counts[u]), best first; the rest of a row is 0 and means nothing. */
export interface RankedLists {
  readonly k: number;
  /** [users, k]. */
  readonly items: Int32Array;
  readonly scores: Float32Array;
  /** Items that were found, [users]; below k where too few were left. */
  readonly counts: Int32Array;
}

/** What each user already has: user u's items, ascending, are indices[offsets[u], offsets[u + 1]). */
export interface SeenItems {
  readonly offsets: Int32Array;
  readonly indices: Int32Array;
}

export interface FactorRanking {
  /** [users, d] and [items, d] row-major, d a multiple of 4. The score is the inner product, in 32 bits. */
  readonly users: Float32Array;
  readonly items: Float32Array;
  readonly d: number;
  readonly seen: SeenItems;
  readonly k: number;
}

/** Tasks for each thread: enough that the last ones end together. */
const tasksPerThread = 8;

/**
 * Users x items inner products by blocks in registers and the nearest caches (libs/sparse/kernels/blocks.ts), on the pool. O(users items d):
 * 29,858 x 40,981 x 64 take some 8 CPU seconds. Throws `cancelled`.
 */
export async function rankByFactors(ranking: FactorRanking, threads: number, signal: AbortSignal): Promise<RankedLists> {
  const { d, seen } = ranking;
  assert(d > 0 && d % 4 === 0, "ranking: d must be a multiple of 4");
  const userCount = seen.offsets.length - 1;
  const itemCount = ranking.items.length / d;
  assert(ranking.users.length === userCount * d && Number.isInteger(itemCount), "ranking: factors do not fit d or the seen items");
  const k = Math.min(ranking.k, itemCount);
  const arena = createArena();
  const [scores, items, counts] = [arena.float32(userCount * k), arena.int32(userCount * k), arena.int32(userCount)];
  const panels = arena.float32(Math.ceil(itemCount / 8) * 8 * d);
  openKernels(arena.memory).packRows(arena.copyFloat32(ranking.items).at, 0, itemCount, d, panels.at);
  const input: RankInput = {
    memory: arena.memory,
    d,
    itemCount,
    k,
    users: arena.copyFloat32(ranking.users).at,
    panels: panels.at,
    seenOffsets: arena.copyInt32(seen.offsets).at,
    seen: arena.copyInt32(seen.indices).at,
    scores: scores.at,
    items: items.at,
    counts: counts.at,
  };
  const tasks = Math.max(1, threads) * tasksPerThread;
  const size = Math.max(1, Math.ceil(userCount / tasks));
  const ranges = Array.from({ length: Math.ceil(userCount / size) }, (_, t) => ({
    from: t * size,
    to: Math.min(userCount, (t + 1) * size),
    scratch: arena.uint8(rankScratchBytes).at,
  }));
  const module = new URL("./rank-worker.ts", import.meta.url);
  const pool = createPool({ threads, module, open, input, signal });
  try {
    if (k > 0) await Promise.all(ranges.map((range) => pool.run(range)));
  } finally {
    await pool.close();
  }
  return { k, items: items.values.slice(), scores: scores.values.slice(), counts: counts.values.slice() };
}

/**
 * The same for any model: `score(user, out)` fills `out` [items] with the user's scores (it arrives filled with 0); -Infinity and NaN are never
 * listed. On the caller's thread, at a measured 20 µs for 41,000 items besides `score`. Throws `cancelled`.
 */
export async function rankByScores(
  itemCount: number,
  seen: SeenItems,
  most: number,
  score: (user: number, out: Float32Array) => void,
  signal: AbortSignal,
): Promise<RankedLists> {
  const pace = createPace(signal);
  const userCount = seen.offsets.length - 1;
  const k = Math.min(most, itemCount);
  const arena = createArena();
  const kernels = openKernels(arena.memory);
  const [row, topScores, topIds] = [arena.float32(itemCount), arena.float32(k), arena.int32(k)];
  const lists = { k, items: new Int32Array(userCount * k), scores: new Float32Array(userCount * k), counts: new Int32Array(userCount) };
  if (k === 0) return lists;
  for (let user = 0; user < userCount; user++) {
    row.values.fill(0);
    score(user, row.values);
    for (let e = seen.offsets[user]!; e < seen.offsets[user + 1]!; e++) row.values[seen.indices[e]!] = Number.NEGATIVE_INFINITY;
    const found = kernels.offerScores(row.at, 0, itemCount, k, 0, topScores.at, topIds.at);
    kernels.sortHeap(topScores.at, topIds.at, found);
    lists.items.set(topIds.values.subarray(0, found), user * k);
    lists.scores.set(topScores.values.subarray(0, found), user * k);
    lists.counts[user] = found;
    if (pace.due()) await pace.turn();
  }
  return lists;
}
