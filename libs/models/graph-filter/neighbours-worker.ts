/** Rows of the linear filter P = AᵀA without its diagonal, each cut to its largest values, for the pool. */

import { createTopCollector } from "#libs/sparse/top-k.ts";

/** All in shared memory. A is given by item and by user: entry e of user u is item userItems[e]. */
export interface NeighboursInput {
  readonly itemCount: number;
  /** Users of each item, [items + 1] and [entries]. */
  readonly itemOffsets: Int32Array;
  readonly itemUsers: Int32Array;
  readonly userOffsets: Int32Array;
  readonly userItems: Int32Array;
  /** What a user of n items joins a pair with, [users]. */
  readonly userWeights: Float32Array;
  /** degree^-b, [items]. */
  readonly itemWeights: Float32Array;
  readonly scale: number;
  readonly k: number;
  /** Results, [items, k]: neighbours by value, best first, -1 where there are no more. */
  readonly neighbours: Int32Array;
  readonly values: Float32Array;
  /** Sum of all values of each row, those cut off and the diagonal included, [items]. */
  readonly sums: Float32Array;
  /** Sum of their squares. */
  readonly squares: Float32Array;
}

export interface NeighboursTask {
  readonly from: number;
  readonly to: number;
}

/** O(sum over the rows' users of their items). */
export function open(input: NeighboursInput): (task: NeighboursTask) => undefined {
  const sums = new Float64Array(input.itemCount);
  const touched = new Int32Array(input.itemCount);
  return ({ from, to }) => {
    for (let item = from; item < to; item++) fillRow(input, item, sums, touched);
    return undefined;
  };
}

/** `sums` [items] arrives and leaves as zeros; `touched` is scratch. */
function fillRow(input: NeighboursInput, item: number, sums: Float64Array, touched: Int32Array): void {
  const { itemOffsets, itemUsers, userOffsets, userItems, userWeights, itemWeights, k } = input;
  let count = 0;
  for (let e = itemOffsets[item]!; e < itemOffsets[item + 1]!; e++) {
    const user = itemUsers[e]!;
    const weight = userWeights[user]!;
    const end = userOffsets[user + 1]!;
    for (let f = userOffsets[user]!; f < end; f++) {
      const other = userItems[f]!;
      if (sums[other] === 0) touched[count++] = other;
      sums[other]! += weight;
    }
  }
  const factor = input.scale * itemWeights[item]!;
  const best = createTopCollector(Math.min(k, count));
  let total = 0;
  let squares = 0;
  for (let t = 0; t < count; t++) {
    const other = touched[t]!;
    const value = factor * itemWeights[other]! * sums[other]!;
    sums[other] = 0;
    total += value;
    squares += value * value;
    if (other !== item && value >= best.threshold()) best.offer(other, value);
  }
  const { positions, scores } = best.take();
  input.neighbours.fill(-1, item * k, (item + 1) * k);
  input.neighbours.set(positions, item * k);
  input.values.set(scores, item * k);
  input.sums[item] = total;
  input.squares[item] = squares;
}
