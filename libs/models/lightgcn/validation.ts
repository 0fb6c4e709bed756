/** Early stopping: a slice of the graph's edges is held out, and the epoch that ranks it best is kept. */

import { createRandom } from "#libs/core/random.ts";
import type { RecentGraph } from "#libs/models/lightgcn/graph.ts";
import { rankByFactors, type SeenItems } from "#libs/sparse/rank.ts";

export interface ValidationSlice {
  /** The graph without the slice; nodes keep their numbers. */
  readonly graph: RecentGraph;
  /** Users of whom something is held out. */
  readonly users: Int32Array;
  /** What is left of them in the graph, and what is held out, ascending, by position in `users`. */
  readonly seen: SeenItems;
  readonly held: SeenItems;
}

/** A fifth of a user's items is held out; of those with fewer than five, nothing. */
const heldShare = 5;
/** Places of the list that count. */
const places = 20;

/** Takes a fifth of the items of up to `most` users out, the same under a seed. No item loses its last user. Null where no user has enough. */
export function holdOut(graph: RecentGraph, most: number, seed: number): ValidationSlice | null {
  const random = createRandom(seed, "lightgcn validation");
  const able = Int32Array.from({ length: graph.userCount }, (_, user) => user).filter(
    (user) => graph.offsets[user + 1]! - graph.offsets[user]! >= heldShare,
  );
  const chosen = able.filter(() => random.next() < most / able.length);
  if (most === 0 || chosen.length === 0) return null;
  const degrees = new Int32Array(graph.items.length);
  for (const item of graph.edges) degrees[item]!++;
  const out = new Uint8Array(graph.edges.length);
  for (const user of chosen) {
    const size = graph.offsets[user + 1]! - graph.offsets[user]!;
    for (let n = 0; n < Math.floor(size / heldShare); n++) {
      const edge = graph.offsets[user]! + random.below(size);
      if (out[edge] === 1 || degrees[graph.edges[edge]!]! < 2) continue;
      out[edge] = 1;
      degrees[graph.edges[edge]!]!--;
    }
  }
  const kept = selectEdges(graph, out, 0);
  const held = selectEdges(graph, out, 1);
  return {
    graph: { ...graph, offsets: kept.offsets, edges: kept.indices },
    users: chosen,
    seen: rowsOf(kept, chosen),
    held: rowsOf(held, chosen),
  };
}

function selectEdges({ offsets, edges, userCount }: RecentGraph, out: Uint8Array, wanted: 0 | 1): SeenItems {
  const selected = new Int32Array(userCount + 1);
  for (let user = 0; user < userCount; user++) {
    selected[user + 1] = selected[user]!;
    for (let e = offsets[user]!; e < offsets[user + 1]!; e++) if (out[e] === wanted) selected[user + 1]!++;
  }
  return { offsets: selected, indices: edges.filter((_, e) => out[e] === wanted) };
}

function rowsOf({ offsets, indices }: SeenItems, rows: Int32Array): SeenItems {
  const picked = new Int32Array(rows.length + 1);
  rows.forEach((row, at) => {
    picked[at + 1] = picked[at]! + offsets[row + 1]! - offsets[row]!;
  });
  const values = new Int32Array(picked[rows.length]!);
  rows.forEach((row, at) => {
    values.set(indices.subarray(offsets[row], offsets[row + 1]), picked[at]);
  });
  return { offsets: picked, indices: values };
}

/** NDCG@20 of the held-out items (libs/evaluation/metrics/ndcg.ts has the formula), all others ranked, mean over users; z [nodes, d]. */
export async function validate(slice: ValidationSlice, z: Float32Array, d: number, threads: number, signal: AbortSignal): Promise<number> {
  const { graph, users, seen, held } = slice;
  const vectors = new Float32Array(users.length * d);
  users.forEach((user, at) => {
    vectors.set(z.subarray(user * d, (user + 1) * d), at * d);
  });
  const items = z.subarray(graph.userCount * d);
  const lists = await rankByFactors({ users: vectors, items, d, seen, k: places }, threads, signal);
  let total = 0;
  let count = 0;
  for (let at = 0; at < users.length; at++) {
    const wanted = new Set(held.indices.subarray(held.offsets[at], held.offsets[at + 1]));
    if (wanted.size === 0) continue;
    let gain = 0;
    let ideal = 0;
    for (let place = 0; place < lists.counts[at]!; place++)
      if (wanted.has(lists.items[at * lists.k + place]!)) gain += 1 / Math.log2(place + 2);
    for (let place = 0; place < Math.min(places, wanted.size); place++) ideal += 1 / Math.log2(place + 2);
    total += gain / ideal;
    count++;
  }
  return count === 0 ? 0 : total / count;
}
