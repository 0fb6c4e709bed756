/** Batches of Wide & Deep: lists of candidates side by side, all of one length. */

import type { Random } from "#libs/core/random.ts";
import { type DeepSizes, fillDeep, sumCrosses, type WideDeepRows } from "#libs/models/wide-deep/inputs.ts";
import type { WideDeepSettings } from "#libs/models/wide-deep/settings.ts";

/** Added to the scores of rows that are not there. */
const absent = -1e9;

/** Candidates of past requests, one list after the other. */
export interface RankingLists extends WideDeepRows {
  /** List l holds rows [offsets[l], offsets[l + 1]), [lists + 1]. */
  readonly offsets: Int32Array;
  /** 1 for what was taken, [rows]; every list has one. */
  readonly labels: Uint8Array;
}

/** Reused by every step. */
export interface Batch {
  readonly deep: Float32Array;
  readonly wide: Float32Array;
  readonly targets: Float32Array;
  readonly masked: Float32Array;
  readonly weights: Float32Array;
  /** Lists in it; the last batch of an epoch may have fewer than the others. */
  lists: number;
  /** Rows of the lists in the order of the batch, -1 where a list is shorter. */
  readonly rows: Int32Array;
}

export function createBatch(width: number, { batchLists, listLength }: WideDeepSettings): Batch {
  const rows = batchLists * listLength;
  return {
    deep: new Float32Array(rows * width),
    wide: new Float32Array(rows),
    targets: new Float32Array(rows),
    masked: new Float32Array(rows),
    weights: new Float32Array(batchLists),
    lists: 0,
    rows: new Int32Array(rows),
  };
}

/** Rows of list l that teach in this step: all that were taken (as many as fit) and others drawn. */
function chooseRows({ offsets, labels }: RankingLists, list: number, most: number, random: Random): number[] {
  const taken: number[] = [];
  const others: number[] = [];
  for (let row = offsets[list]!; row < offsets[list + 1]!; row++) (labels[row] === 1 ? taken : others).push(row);
  const chosen = taken.slice(0, Math.max(1, most >> 1));
  for (let n = Math.min(others.length, most - chosen.length), left = others.length; n > 0; n--) {
    const at = random.below(left);
    chosen.push(others[at]!);
    others[at] = others[--left]!;
  }
  return chosen;
}

/** The tables that rows are made of, as they are in this step. */
export interface BatchTables {
  readonly lists: RankingLists;
  readonly sizes: DeepSizes;
  readonly settings: WideDeepSettings;
  readonly embeddings: Float32Array;
  readonly wide: Float32Array;
}

/** Fills the batch with the chosen lists. */
export function fillBatch(
  batch: Batch,
  { lists, sizes, settings, embeddings, wide }: BatchTables,
  chosen: readonly number[],
  random: Random,
): void {
  const { listLength, loss } = settings;
  batch.lists = chosen.length;
  batch.rows.fill(-1);
  batch.targets.fill(0);
  batch.masked.fill(loss === "listwise" ? absent : 0);
  batch.wide.fill(0);
  batch.weights.fill(0);
  chosen.forEach((list, q) => {
    const rows = chooseRows(lists, list, listLength, random);
    const taken = rows.reduce((sum, row) => sum + lists.labels[row]!, 0);
    batch.weights[q] = 1 / chosen.length;
    rows.forEach((row, i) => {
      const at = q * listLength + i;
      batch.rows[at] = row;
      batch.masked[at] = loss === "listwise" ? 0 : 1 / rows.length;
      if (lists.labels[row] === 1) batch.targets[at] = loss === "listwise" ? 1 / taken : 1;
      batch.wide[at] = sumCrosses(lists, row, wide);
    });
  });
  fillDeep(batch.deep, lists, batch.rows, sizes, embeddings);
}
