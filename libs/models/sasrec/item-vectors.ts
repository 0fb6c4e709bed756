/**
 * Vectors of items: a row of their own, or that of unknown items, and one of each attribute's value. So a new item has the vector of its attributes.
 */

import type { AttributeColumn } from "#libs/catalog/catalog.ts";
import type { Random } from "#libs/core/random.ts";
import { createTable, fillNormal, type Table } from "#libs/models/neural/weights.ts";
import type { Arena, Block, SparseKernels } from "#libs/sparse/wasm.ts";

export interface ItemVectors {
  readonly itemCount: number;
  readonly d: number;
  /** [items + 1, d]; the last row is that of unknown items. */
  readonly own: Table;
  /** Null without attributes; rows of all columns' values, one column after the other. */
  readonly values: Table | null;
  /** Row of `values` for each column and item, -1 where the item has none. */
  readonly valueRows: readonly Int32Array[];
}

export function createItemVectors(arena: Arena, itemCount: number, d: number, columns: readonly AttributeColumn[]): ItemVectors {
  let next = 0;
  const valueRows = columns.map(({ values, codes }) => {
    const first = next;
    next += values.length;
    return codes.map((code) => (code < 0 ? -1 : first + code));
  });
  return { itemCount, d, own: createTable(arena, itemCount + 1, d), values: next === 0 ? null : createTable(arena, next, d), valueRows };
}

export function initializeVectors({ own, values }: ItemVectors, deviation: number, random: Random): void {
  fillNormal(own.weights.values, deviation, random);
  if (values) fillNormal(values.weights.values, deviation, random);
}

/** What a step composes: vectors of some items, by their place in `ids`. */
export interface ComposedRows {
  /** Items, distinct, [count]; the first `count` values count. */
  readonly ids: Block<Int32Array>;
  /** Their rows of `own`: their own, or the one of unknown items. */
  readonly ownRows: Block<Int32Array>;
  /** Their rows of `values` by column. */
  readonly valueRows: readonly Block<Int32Array>[];
  /** [count, d]. */
  readonly vectors: Block<Float32Array>;
  readonly gradient: Block<Float32Array>;
}

export function createComposedRows(arena: Arena, most: number, { d, valueRows }: ItemVectors): ComposedRows {
  return {
    ids: arena.int32(most),
    ownRows: arena.int32(most),
    valueRows: valueRows.map(() => arena.int32(most)),
    vectors: arena.float32(most * d),
    gradient: arena.float32(most * d),
  };
}

/** Fills the vectors of the first `count` ids; `hide` says which items count as unknown. */
export function compose(
  kernels: SparseKernels,
  items: ItemVectors,
  rows: ComposedRows,
  count: number,
  hide: (item: number) => boolean,
): void {
  const { own, values, valueRows, d, itemCount } = items;
  const ids = rows.ids.values;
  for (let i = 0; i < count; i++) rows.ownRows.values[i] = hide(ids[i]!) ? itemCount : ids[i]!;
  kernels.gatherSum(own.weights.at, rows.ownRows.at, count, d, rows.vectors.at, 0);
  valueRows.forEach((rowOf, column) => {
    const block = rows.valueRows[column]!;
    for (let i = 0; i < count; i++) block.values[i] = rowOf[ids[i]!]!;
    kernels.gatherSum(values!.weights.at, block.at, count, d, rows.vectors.at, 1);
  });
}

/** Hands the gradient of the first `count` composed vectors on to the rows that they are made of. */
export function spreadGradient(kernels: SparseKernels, { own, values, d }: ItemVectors, rows: ComposedRows, count: number): void {
  kernels.scatterSum(rows.gradient.at, rows.ownRows.at, count, d, own.gradient.at);
  for (const { at } of rows.valueRows) kernels.scatterSum(rows.gradient.at, at, count, d, values!.gradient.at);
}

/** Vectors of all items as serving has them, [items + 1, d]: the last is that of an item of which nothing is known; `known` 0: not trained on. */
export function finalVectors({ own, values, valueRows, d, itemCount }: ItemVectors, known: Uint8Array): Float32Array {
  const vectors = new Float32Array((itemCount + 1) * d);
  for (let item = 0; item <= itemCount; item++) {
    const row = item < itemCount && known[item] === 1 ? item : itemCount;
    const vector = vectors.subarray(item * d, (item + 1) * d);
    vector.set(own.weights.values.subarray(row * d, (row + 1) * d));
    if (item === itemCount || values === null) continue;
    for (const rowOf of valueRows) {
      const value = rowOf[item]!;
      if (value >= 0) for (let c = 0; c < d; c++) vector[c]! += values.weights.values[value * d + c]!;
    }
  }
  return vectors;
}
