/** Counts the pairs of a range of items and keeps their best neighbours: Gustavson's row-wise sparse product (ACM TOMS 4(3), 1978). */

import { rankingFor } from "#libs/models/itemcf/ranking.ts";
import type { ItemCfSettings } from "#libs/models/itemcf/settings.ts";
import type { Entries } from "#libs/models/itemcf/weights.ts";
import { createTopCollector } from "#libs/sparse/top-k.ts";

export interface PairsInput {
  readonly entries: Entries;
  readonly settings: ItemCfSettings;
  /** Filled by the tasks, [items, neighbours]; unused places hold -1 and 0. Shared memory. */
  readonly neighbourItems: Int32Array;
  readonly similarities: Float32Array;
}

/** Items [from, to). */
export interface PairsTask {
  readonly from: number;
  readonly to: number;
}

/** Gaps are looked up by whole days; beyond this many the last value stands. */
const gapDaysMax = 4096;

/** Decay by whole days between two events, [gapDaysMax]. Half at the half-life for both shapes: 2^(-gap/h) and 1/(1 + gap/h). */
export function gapDecay(settings: ItemCfSettings): Float32Array {
  const { timeDecay, timeDecayHalfLifeDays } = settings;
  return Float32Array.from({ length: gapDaysMax }, (_, gap) => {
    if (timeDecay === "none") return 1;
    return timeDecay === "exponential" ? 2 ** (-gap / timeDecayHalfLifeDays) : 1 / (1 + gap / timeDecayHalfLifeDays);
  });
}

export function open(input: PairsInput): (task: PairsTask) => undefined {
  const { entries, settings, neighbourItems, similarities } = input;
  const { itemCount, userOffsets, items, ages, weights, itemOffsets, byItem, usersByItem, ownNorms, otherNorms } = entries;
  const { neighbours: k, amplification } = settings;
  const byGap = gapDecay(settings);
  const timeless = settings.timeDecay === "none" && settings.earlierFactor === 1;
  const sums = new Float64Array(itemCount);
  const touched = new Int32Array(itemCount);
  const collector = createTopCollector(k);

  /** Fills `sums` for row `item`; answers how many items were touched. */
  const accumulate = (item: number): number => {
    const from = itemOffsets[item]!;
    const users = itemOffsets[item + 1]! - from;
    const counted = Math.min(users, settings.maxUsersPerItem);
    const stride = users / Math.max(1, counted);
    let touchedCount = 0;
    for (let s = 0; s < counted; s++) {
      const at = from + Math.floor(s * stride);
      const p = byItem[at]!;
      const user = usersByItem[at]!;
      const age = ages[p]!;
      const x = weights[p]! * stride;
      const end = userOffsets[user + 1]!;
      if (timeless) {
        for (let q = userOffsets[user]!; q < end; q++) {
          if (q === p) continue;
          const other = items[q]!;
          if (sums[other] === 0) touched[touchedCount++] = other;
          sums[other]! += x * weights[q]!;
        }
        continue;
      }
      for (let q = userOffsets[user]!; q < end; q++) {
        if (q === p) continue;
        const other = items[q]!;
        // Ages run backwards: the younger of two events is the later one.
        const later = age - ages[q]!;
        const gap = later < 0 ? -later : later;
        const near = byGap[gap < gapDaysMax ? gap | 0 : gapDaysMax - 1]!;
        if (sums[other] === 0) touched[touchedCount++] = other;
        sums[other]! += x * weights[q]! * near * (later < 0 ? settings.earlierFactor : 1);
      }
    }
    return touchedCount;
  };

  const keepBest = (item: number, touchedCount: number): void => {
    const own = ownNorms[item]!;
    const ranking = rankingFor(collector, itemCount, touchedCount, k);
    for (let t = 0; t < touchedCount; t++) {
      const other = touched[t]!;
      const similarity = sums[other]! / (own * otherNorms[other]! + settings.shrinkage);
      sums[other] = 0;
      if (similarity > 0 && similarity >= ranking.threshold()) ranking.offer(other, similarity);
    }
    const best = ranking.take();
    neighbourItems.set(best.positions, item * k);
    // A power keeps the order, so that only what is kept needs it.
    for (let n = 0; n < best.scores.length; n++) similarities[item * k + n] = best.scores[n]! ** amplification;
    neighbourItems.fill(-1, item * k + best.positions.length, (item + 1) * k);
  };

  return ({ from, to }) => {
    for (let item = from; item < to; item++) keepBest(item, accumulate(item));
    return undefined;
  };
}
