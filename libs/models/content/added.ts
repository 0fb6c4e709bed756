/** Items that an immutable index does not have, searched exactly beside it: those that came after the release, and those that are sold again. */

import type { NamedCatalog } from "#libs/catalog/overlay.ts";
import { createTopCollector, type Top } from "#libs/sparse/top-k.ts";
import type { VectorIndex, WeightedQuery } from "#libs/sparse/vector-index.ts";

export interface AddedItems {
  /** Vectors of the items behind the release's own, in their order, [new items, d]. */
  readonly vectors: Float32Array;
  /** What is to be found, ascending: items of the release that are sold again, then all new ones. */
  readonly items: Int32Array;
}

/** Of an item of the index or a new one. */
export function vectorOf({ vectors, count, d }: VectorIndex, added: AddedItems | null, item: number): Float32Array {
  return item < count ? vectors.subarray(item * d, (item + 1) * d) : added!.vectors.subarray((item - count) * d, (item - count + 1) * d);
}

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let c = 0; c < a.length; c++) sum += a[c]! * b[c]!;
  return sum;
}

/** The best of what the index found and of the added items. O(added items x queries x d). */
export function joinAdded(
  found: Top,
  index: VectorIndex,
  added: AddedItems,
  queries: readonly WeightedQuery[],
  limit: number,
  keep: (item: number) => boolean,
): Top {
  const best = createTopCollector(limit);
  const offered = new Set<number>();
  for (const item of added.items) {
    if (!keep(item)) continue;
    const vector = vectorOf(index, added, item);
    // Of an item without any content nothing can be said.
    if (vector.every((value) => value === 0)) continue;
    offered.add(item);
    best.offer(item, Math.max(...queries.map((query) => query.weight * product(query.vector, vector))));
  }
  found.positions.forEach((item, i) => {
    if (!offered.has(item)) best.offer(item, found.scores[i]!);
  });
  return best.take();
}

/** For each item the source (an item, too) that is nearest to it, the first of equals. */
export function nearestSources(index: VectorIndex, added: AddedItems | null, items: Int32Array, sources: readonly number[]): Int32Array {
  const isOwn = (item: number): boolean => item < index.count;
  if (items.every(isOwn) && sources.every(isOwn))
    return index.nearest(items, sources, new Float32Array(sources.length).fill(1)).map((at) => sources[at]!);
  const vectors = sources.map((source) => vectorOf(index, added, source));
  return items.map((item) => {
    const own = vectorOf(index, added, item);
    let [nearest, most] = [-1, Number.NEGATIVE_INFINITY];
    vectors.forEach((vector, s) => {
      const likeness = product(own, vector);
      if (likeness > most) [nearest, most] = [sources[s]!, likeness];
    });
    return nearest;
  });
}

/** What the shop's catalogue adds to a release of `active.length` items. `fold` makes the vector of a new item. */
export function addItems(catalog: NamedCatalog, active: Uint8Array, d: number, fold: (item: number) => Float32Array): AddedItems {
  const count = active.length;
  const items: number[] = [];
  for (let item = 0; item < count; item++) if (active[item] === 0 && catalog.availability?.[item] === 1) items.push(item);
  const vectors = new Float32Array((catalog.itemCount - count) * d);
  for (let item = count; item < catalog.itemCount; item++) {
    vectors.set(fold(item), (item - count) * d);
    items.push(item);
  }
  return { vectors, items: Int32Array.from(items) };
}
