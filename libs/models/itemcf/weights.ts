/**
 * From events to weights of (user, item) entries, x[u, i]. Pairs are then S[i, j] = sum over u of x[u, i] x[u, j] f(gap) direction, and
 * - cosine:     S / (Q[i]^own Q[j]^other + shrinkage), Q[i] = sum of x[u, i]²    (Sarwar et al., WWW 2001, where both exponents are 1/2; apart
 *               they are the asymmetric cosine of Aiolli, RecSys 2013; shrinkage as Dacrema et al., TOIS 2021)
 * - tfidf:      the same with x scaled by ln(1 + items / n[u]), n[u] the user's items
 * - bm25:       S with x = c (k1 + 1) / (k1 (1 - b + b n[i] / mean n) + c) ln(1 + items / n[u])   (Robertson and Zaragoza 2009), over shrinkage + 1
 * - confidence: S / (Q[i] + shrinkage): of those who took i, the share that took j
 * - walk:       sum over u of (p[i, u] p[u, j])^alpha / Q[j]^other, p a random step by c with age decay: from item i to user u, on to item j.
 *               P3alpha (Cooper et al., WWW 2014) has other = 0, RP3beta (Paudel et al., TiiS 7(1), 2017) other = beta, both own = alpha: here
 *               Q[i] = sum of c, and S / (Q[i]^own Q[j]^other + shrinkage) with x = c^alpha E[u]^(-alpha/2), E[u] = sum of the user's c
 * with c the weight of the event's type. Every other x also carries the roots of the user's degree weight and of the age decay.
 */

import { secondsPerDay } from "#libs/core/clock.ts";
import type { Progress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import type { ItemCfSettings } from "#libs/models/itemcf/settings.ts";
import { decay } from "#libs/models/query.ts";
import { weightsByCode } from "#libs/models/settings.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { sharedFloat32, sharedInt32 } from "#libs/sparse/pool.ts";

/** Users' bounded histories and the same by item, all in shared memory: 20 bytes an entry, 16 an item. */
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
  /** The norm of a pair (i, j) is ownNorms[i] * otherNorms[j]: powers of Q, [items]; 1 where no user is. */
  readonly ownNorms: Float32Array;
  readonly otherNorms: Float32Array;
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
  const sizes =
    settings.weighting === "walk"
      ? applySteps(settings, itemCount, userOffsets, kept)
      : applyWeighting(settings, itemCount, userOffsets, kept, byItem.itemOffsets);
  return { itemCount, userOffsets, ...kept, ...byItem, ...norms(settings, sizes) };
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

type WeightedEntries = { readonly items: Int32Array; readonly ages: Float32Array; readonly weights: Float32Array };

/** Turns event weights c into x in place; answers Q. */
function applyWeighting(
  settings: ItemCfSettings,
  itemCount: number,
  userOffsets: Int32Array,
  { items, ages, weights }: WeightedEntries,
  itemOffsets: Int32Array,
): Float64Array {
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
  return squares;
}

/** The same for walks; Q are sums of c. */
function applySteps(
  { walkAlpha, ageHalfLifeDays }: ItemCfSettings,
  itemCount: number,
  userOffsets: Int32Array,
  { items, ages, weights }: WeightedEntries,
): Float64Array {
  const sums = new Float64Array(itemCount);
  for (let user = 0; user + 1 < userOffsets.length; user++) {
    const to = userOffsets[user + 1]!;
    let ofUser = 0;
    for (let p = userOffsets[user]!; p < to; p++) {
      const c = weights[p]! * decay(ages[p]!, ageHalfLifeDays);
      weights[p] = c;
      ofUser += c;
      sums[items[p]!]! += c;
    }
    const scale = ofUser ** (-walkAlpha / 2);
    for (let p = userOffsets[user]!; p < to; p++) weights[p] = weights[p]! ** walkAlpha * scale;
  }
  return sums;
}

function norms({ weighting, ownExponent, otherExponent }: ItemCfSettings, sizes: Float64Array): Pick<Entries, "ownNorms" | "otherNorms"> {
  const own = weighting === "confidence" ? 1 : weighting === "bm25" ? 0 : ownExponent;
  const other = weighting === "confidence" || weighting === "bm25" ? 0 : otherExponent;
  const ownNorms = sharedFloat32(sizes.length);
  const otherNorms = sharedFloat32(sizes.length);
  for (let item = 0; item < sizes.length; item++) {
    ownNorms[item] = sizes[item]! > 0 ? sizes[item]! ** own : 1;
    otherNorms[item] = sizes[item]! > 0 ? sizes[item]! ** other : 1;
  }
  return { ownNorms, otherNorms };
}
