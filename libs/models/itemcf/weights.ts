/**
 * From events to weights of (user, item) entries, x[u, i]. Pairs are then S[i, j] = sum over u of x[u, i] x[u, j] f(gap) direction, and
 * - cosine:     S / (sqrt(Q[i] Q[j]) + shrinkage), Q[i] = sum of x[u, i]²        (Sarwar et al., WWW 2001; shrinkage as Dacrema et al., TOIS 2021)
 * - tfidf:      the same with x scaled by ln(1 + items / n[u]), n[u] the user's items
 * - bm25:       S with x = c (k1 + 1) / (k1 (1 - b + b n[i] / mean n) + c) ln(1 + items / n[u])   (Robertson and Zaragoza 2009), over shrinkage + 1
 * - confidence: S / (Q[i] + shrinkage): of those who took i, the share that took j
 * with c the weight of the event's type. Every x also carries the roots of the user's degree weight and of the age decay.
 */

import { secondsPerDay } from "#libs/core/clock.ts";
import type { Progress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import type { ItemCfSettings } from "#libs/models/itemcf/settings.ts";
import { decay } from "#libs/models/query.ts";
import { weightsByCode } from "#libs/models/settings.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { sharedFloat32, sharedInt32 } from "#libs/sparse/pool.ts";

/** Users' bounded histories and the same by item, all in shared memory: 20 bytes an entry. */
export interface Entries {
  readonly itemCount: number;
  /** User u's entries are [userOffsets[u], userOffsets[u + 1]). */
  readonly userOffsets: Int32Array;
  readonly items: Int32Array;
  /** Days before the fit, [entries]. */
  readonly ages: Float32Array;
  /** x, [entries]. */
  readonly weights: Float32Array;
  /** Item i's entries, as positions in the arrays above, are byItem[itemOffsets[i] .. itemOffsets[i + 1]), users ascending. */
  readonly itemOffsets: Int32Array;
  readonly byItem: Int32Array;
  /** The user of each of byItem, aligned with it. */
  readonly usersByItem: Int32Array;
  /** Q: sum of squares of an item's weights, [items]. */
  readonly squares: Float32Array;
}

/** Reads each user's latest distinct items. O(events). */
export async function collectEntries(
  interactions: Interactions,
  nowSeconds: number,
  settings: ItemCfSettings,
  pace: Pace,
  progress: Progress,
): Promise<Entries> {
  const { userCount, itemCount, offsets, times, types } = interactions;
  const weightOf = weightsByCode(settings);
  const most = interactions.items.length;
  const items = sharedInt32(most);
  const ages = sharedFloat32(most);
  const weights = sharedFloat32(most);
  const userOffsets = sharedInt32(userCount + 1);
  // Where the user at work has an item: entry number, valid when it is not below the user's first.
  const entryOf = new Int32Array(itemCount).fill(-1);
  const oldest = settings.windowDays > 0 ? nowSeconds - settings.windowDays * secondsPerDay : 0;
  let next = 0;
  for (let user = 0; user < userCount; user++) {
    const first = next;
    for (let e = offsets[user + 1]! - 1; e >= offsets[user]! && times[e]! >= oldest; e--) {
      const weight = weightOf[types[e]!]!;
      if (weight === 0) continue;
      const item = interactions.items[e]!;
      const known = entryOf[item]!;
      if (known >= first) {
        if (weight > weights[known]!) weights[known] = weight;
        continue;
      }
      if (next - first === settings.maxHistory) break;
      entryOf[item] = next;
      items[next] = item;
      ages[next] = (nowSeconds - times[e]!) / secondsPerDay;
      weights[next] = weight;
      next++;
    }
    userOffsets[user + 1] = next;
    if (user % 1000 === 0 && pace.due()) {
      progress({ step: "itemcf: reading histories", done: user, total: userCount, unit: "users" });
      await pace.turn();
    }
  }
  const kept = { items: items.subarray(0, next), ages: ages.subarray(0, next), weights: weights.subarray(0, next) };
  const byItem = groupByItem(itemCount, userOffsets, kept.items);
  const squares = applyWeighting(settings, itemCount, userOffsets, kept, byItem.itemOffsets);
  return { itemCount, userOffsets, ...kept, ...byItem, squares };
}

function groupByItem(
  itemCount: number,
  userOffsets: Int32Array,
  items: Int32Array,
): { itemOffsets: Int32Array; byItem: Int32Array; usersByItem: Int32Array } {
  const itemOffsets = sharedInt32(itemCount + 1);
  for (const item of items) itemOffsets[item + 1]!++;
  for (let item = 0; item < itemCount; item++) itemOffsets[item + 1]! += itemOffsets[item]!;
  const next = itemOffsets.slice(0, itemCount);
  const byItem = sharedInt32(items.length);
  const usersByItem = sharedInt32(items.length);
  for (let user = 0; user + 1 < userOffsets.length; user++) {
    for (let p = userOffsets[user]!; p < userOffsets[user + 1]!; p++) {
      const at = next[items[p]!]!++;
      byItem[at] = p;
      usersByItem[at] = user;
    }
  }
  return { itemOffsets, byItem, usersByItem };
}

/** Weight of a user with n distinct items. */
export function userWeight(settings: ItemCfSettings, n: number): number {
  if (settings.userDegree === "none" || n === 0) return 1;
  return settings.userDegree === "log" ? 1 / Math.log2(1 + n) : n ** -settings.userDegreeAlpha;
}

/** Turns event weights c into x in place; answers Q. */
function applyWeighting(
  settings: ItemCfSettings,
  itemCount: number,
  userOffsets: Int32Array,
  entries: { readonly items: Int32Array; readonly ages: Float32Array; readonly weights: Float32Array },
  itemOffsets: Int32Array,
): Float32Array {
  const { items, ages, weights } = entries;
  const { weighting, bm25K1, bm25B, ageHalfLifeDays } = settings;
  const squares = new Float64Array(itemCount);
  const meanUsers = items.length / Math.max(1, itemCount);
  for (let user = 0; user + 1 < userOffsets.length; user++) {
    const n = userOffsets[user + 1]! - userOffsets[user]!;
    const rarity = weighting === "tfidf" || weighting === "bm25" ? Math.log(1 + itemCount / n) : 1;
    const ofUser = rarity * Math.sqrt(userWeight(settings, n));
    for (let p = userOffsets[user]!; p < userOffsets[user + 1]!; p++) {
      const item = items[p]!;
      let x = weights[p]!;
      if (weighting === "bm25") {
        const length = 1 - bm25B + (bm25B * (itemOffsets[item + 1]! - itemOffsets[item]!)) / meanUsers;
        x = (x * (bm25K1 + 1)) / (bm25K1 * length + x);
      }
      x *= ofUser * Math.sqrt(decay(ages[p]!, ageHalfLifeDays));
      weights[p] = x;
      squares[item]! += x * x;
    }
  }
  const shared = sharedFloat32(itemCount);
  shared.set(squares);
  return shared;
}
