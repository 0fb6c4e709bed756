/** Popularity of items that nobody can have bought yet: a new one borrows that of the product that it belongs to. */

import type { Catalog } from "#libs/catalog/catalog.ts";
import { createBlend, type PopularityQuery, type PopularityTables } from "#libs/models/popularity/retrieve.ts";
import type { CandidateColumns } from "#libs/models/query.ts";
import { createTopCollector } from "#libs/sparse/top-k.ts";

export interface BorrowedItems {
  /** Items of the release. */
  readonly itemsReleased: number;
  /** Items of the release that are the same product, for each item behind them. */
  readonly siblings: readonly (readonly number[])[];
}

/** O(items). */
export function borrowFrom({ itemCount, productGroup: { codes } }: Catalog, itemsReleased: number): BorrowedItems {
  const groups = new Map<number, number[]>();
  for (let item = itemsReleased; item < itemCount; item++) groups.set(codes[item]!, []);
  if (groups.size > 0) for (let item = 0; item < itemsReleased; item++) groups.get(codes[item]!)?.push(item);
  return { itemsReleased, siblings: Array.from({ length: itemCount - itemsReleased }, (_, i) => groups.get(codes[itemsReleased + i]!)!) };
}

/** Codes of the source's reasons. */
interface Reasons {
  readonly borrowed: number;
  readonly unsold: number;
}

/**
 * The list with the new items that it should hold: each counts as much as its siblings do on average. Without any that sold it is named only where a filter
 * leaves too little else, as an item of the release is. O(new items x siblings).
 */
export function addBorrowed(
  tables: PopularityTables,
  { itemsReleased, siblings }: BorrowedItems,
  query: Pick<PopularityQuery, "segment" | "limit" | "allowed" | "seeds">,
  found: CandidateColumns,
  reasons: Reasons,
): CandidateColumns {
  const { all, own } = createBlend(tables, query.segment);
  const best = createTopCollector(query.limit);
  const excluded = new Set(query.seeds);
  siblings.forEach((group, i) => {
    const item = itemsReleased + i;
    if (excluded.has(item) || (query.allowed !== null && query.allowed.mask[item] !== 1)) return;
    const score = group.length === 0 ? 0 : group.reduce((sum, sibling) => sum + all(sibling) + own(sibling), 0) / group.length;
    if (score > 0 || query.allowed !== null) best.offer(item, score);
  });
  found.items.forEach((item, i) => {
    best.offer(item, found.scores[i]!);
  });
  const { positions, scores } = best.take();
  const at = new Map(Array.from(found.items, (item, i) => [item, i]));
  const reasonOf = (item: number, score: number): number => {
    const place = at.get(item);
    return place === undefined ? (score > 0 ? reasons.borrowed : reasons.unsold) : found.reasons[place]!;
  };
  return {
    items: positions,
    scores,
    reasons: Uint8Array.from(positions, (item, i) => reasonOf(item, scores[i]!)),
    because: Int32Array.from(positions, (item) => found.because[at.get(item) ?? -1] ?? -1),
  };
}
