/** The user-item graph of the recent weeks, with nodes numbered anew: only users and items that take part. */

import { secondsPerWeek } from "#libs/core/clock.ts";
import { createRandom } from "#libs/core/random.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { type EventWeights, weightsByCode } from "#libs/models/settings.ts";
import type { Pace } from "#libs/sparse/pace.ts";

/** Which events, users and weeks make the graph. */
export interface GraphSettings extends EventWeights {
  readonly weeks: number;
  readonly minUserItems: number;
  readonly usersMax: number;
}

export interface RecentGraph {
  readonly userCount: number;
  /** Item indexes of the data set, ascending; the position is the graph's number of the item. */
  readonly items: Int32Array;
  /** User u's distinct items, in graph numbers, ascending, are edges [offsets[u], offsets[u + 1]). */
  readonly offsets: Int32Array;
  readonly edges: Int32Array;
}

/**
 * Events of positive weight within the last weeks, each pair once; a user takes part with probability `usersMax` / users, the same ones
 * under the same seed. O(events).
 */
export async function recentGraph(
  interactions: Interactions,
  nowSeconds: number,
  settings: GraphSettings,
  seed: number,
  pace: Pace,
): Promise<RecentGraph> {
  const { userCount, itemCount, offsets, items, times, types } = interactions;
  const weights = weightsByCode(settings);
  const oldest = settings.weeks > 0 ? nowSeconds - settings.weeks * secondsPerWeek : 0;
  const lastUser = new Int32Array(itemCount).fill(-1);
  const graphOffsets = [0];
  const edges: number[] = [];
  const degrees = new Int32Array(itemCount);
  for (let user = 0; user < userCount; user++) {
    const start = edges.length;
    for (let e = offsets[user + 1]! - 1; e >= offsets[user]! && times[e]! >= oldest; e--) {
      const item = items[e]!;
      if (lastUser[item] === user || !(weights[types[e]!]! > 0)) continue;
      lastUser[item] = user;
      edges.push(item);
    }
    if (edges.length - start < settings.minUserItems) edges.length = start;
    else graphOffsets.push(edges.length);
    if (user % 1000 === 0 && pace.due()) await pace.turn();
  }
  sampleUsers(graphOffsets, edges, settings.usersMax, seed);
  for (const item of edges) degrees[item]!++;
  const used = Int32Array.from(degrees.keys()).filter((item) => degrees[item]! > 0);
  const numberOf = new Int32Array(itemCount);
  used.forEach((item, number) => {
    numberOf[item] = number;
  });
  const numbered = Int32Array.from(edges, (item) => numberOf[item]!);
  const packed = Int32Array.from(graphOffsets);
  for (let user = 0; user + 1 < packed.length; user++) numbered.subarray(packed[user], packed[user + 1]).sort();
  return { userCount: packed.length - 1, items: used, offsets: packed, edges: numbered };
}

/** Takes users out, in place, until about `most` are left. O(edges). */
function sampleUsers(offsets: number[], edges: number[], most: number, seed: number): void {
  const users = offsets.length - 1;
  if (users <= most) return;
  const random = createRandom(seed, "lightgcn users");
  const kept = [0];
  let at = 0;
  for (let user = 0; user < users; user++) {
    if (random.next() >= most / users) continue;
    for (let e = offsets[user]!; e < offsets[user + 1]!; e++) edges[at++] = edges[e]!;
    kept.push(at);
  }
  edges.length = at;
  offsets.length = 0;
  for (const offset of kept) offsets.push(offset);
}
