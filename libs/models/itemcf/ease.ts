/**
 * EASE (Steck, WWW 2019) as a way to the neighbours: the item-item matrix B with a diagonal of 0 that best foretells each user's x from itself,
 * |X - X B|² + lambda |B|². With P = (XᵀX + lambda I)^-1 it is B[i, j] = -P[i, j] / P[j, j]; row i holds what i says for every other item.
 * Departure: only the `neighbours` entries of a row with the largest |B| are kept; negative ones are among them.
 */

import { ModisteError } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import { rankingFor } from "#libs/models/itemcf/ranking.ts";
import type { ItemCfSettings } from "#libs/models/itemcf/settings.ts";
import type { Entries } from "#libs/models/itemcf/weights.ts";
import { createSymmetric, invertSymmetric, placeOf, readRow, type SymmetricMatrix, tileSide } from "#libs/sparse/dense.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { createTopCollector, sortTop } from "#libs/sparse/top-k.ts";

/** Filled by the fit, [items, neighbours], best first; unused places hold -1 and 0. */
export interface NeighbourTable {
  readonly neighbourItems: Int32Array;
  readonly similarities: Float32Array;
}

/** Throws `invalid_argument` naming setting and count when the catalogue is larger than `easeItemsMax`. */
export function checkEaseSize(itemCount: number, { easeItemsMax }: ItemCfSettings): void {
  if (itemCount <= easeItemsMax) return;
  throw new ModisteError(
    "invalid_argument",
    "catalogue_too_large",
    `settings.method: ease inverts a matrix of all ${itemCount} items, settings.easeItemsMax allows ${easeItemsMax}; use pairs`,
    { field: "settings.method" },
  );
}

/** O(pairs + items³) time, 2 items² bytes: 0.8 GB and some 8e12 operations at 20,000 items. Deterministic for any number of threads. */
export async function fitEase(
  entries: Entries,
  settings: ItemCfSettings,
  table: NeighbourTable,
  threads: number,
  pace: Pace,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const matrix = createSymmetric(entries.itemCount);
  await fillGram(entries, settings.easeLambda, matrix, pace, progress);
  await invertSymmetric(matrix, threads, ({ done, total, unit }) => progress({ step: "itemcf: inverting", done, total, unit }), signal);
  await keepLargest(matrix, settings, table, pace);
}

/** XᵀX + lambda I. */
async function fillGram(entries: Entries, lambda: number, matrix: SymmetricMatrix, pace: Pace, progress: Progress): Promise<void> {
  const { itemCount, userOffsets, items, weights, itemOffsets, byItem, usersByItem } = entries;
  const sums = new Float64Array(itemCount);
  for (let item = 0; item < itemCount; item++) {
    for (let at = itemOffsets[item]!; at < itemOffsets[item + 1]!; at++) {
      const x = weights[byItem[at]!]!;
      const user = usersByItem[at]!;
      for (let q = userOffsets[user]!; q < userOffsets[user + 1]!; q++) sums[items[q]!]! += x * weights[q]!;
    }
    sums[item]! += lambda;
    // The lower triangle, and the whole of the tile on its diagonal.
    const end = Math.min(itemCount, Math.floor(item / tileSide + 1) * tileSide);
    for (let other = 0; other < end; other++) if (sums[other] !== 0) matrix.tiles[placeOf(item, other)] = sums[other]!;
    sums.fill(0);
    if (pace.due()) {
      progress({ step: "itemcf: counting pairs", done: item, total: itemCount, unit: "items" });
      await pace.turn();
    }
  }
}

async function keepLargest(inverse: SymmetricMatrix, settings: ItemCfSettings, table: NeighbourTable, pace: Pace): Promise<void> {
  const { n } = inverse;
  const { neighbours: k, amplification } = settings;
  const diagonal = Float32Array.from({ length: n }, (_, item) => inverse.tiles[placeOf(item, item)]!);
  const row = new Float32Array(n);
  const heap = createTopCollector(k);
  table.neighbourItems.fill(-1);
  for (let item = 0; item < n; item++) {
    readRow(inverse, item, row);
    row[item] = 0;
    const ranking = rankingFor(heap, n, n, k);
    for (let other = 0; other < n; other++) {
      const size = Math.abs(row[other]! / diagonal[other]!);
      if (size > 0 && size >= ranking.threshold()) ranking.offer(other, size);
    }
    const largest = ranking.take().positions;
    const values = Float32Array.from(largest, (other) => {
      const value = -row[other]! / diagonal[other]!;
      return Math.sign(value) * Math.abs(value) ** amplification;
    });
    const best = sortTop(largest, values);
    table.neighbourItems.set(best.positions, item * k);
    table.similarities.set(best.scores, item * k);
    if (pace.due()) await pace.turn();
  }
}
