/** Choosing a list from ranked candidates: caps by group, and maximal marginal relevance. Deterministic. */

import type { Catalog } from "#libs/catalog/catalog.ts";

export interface ArrangeSettings {
  /** Most items of one product group; 0: no cap. */
  readonly groupMax: number;
  /** Most items of one category; 0: no cap. */
  readonly categoryMax: number;
  /** Weight of likeness to items already chosen, 0 (none) to 1; see `marginalRelevance`. */
  readonly diversity: number;
}

export interface ItemTraits {
  /** Code of the product group, -1 when not known, by item. */
  readonly groups: Int32Array;
  readonly categories: Int32Array;
  /** Attribute code columns; two items are alike by the share of columns in which they agree. */
  readonly columns: readonly Int32Array[];
}

export function traitsOf(catalog: Catalog): ItemTraits {
  return { groups: catalog.productGroup.codes, categories: catalog.category.codes, columns: catalog.attributes.map(({ codes }) => codes) };
}

/** Share of the columns in which both items are known and equal, in [0, 1]. */
function likeness(traits: ItemTraits, a: number, b: number): number {
  let same = 0;
  for (const codes of traits.columns) if (codes[a]! >= 0 && codes[a] === codes[b]) same++;
  return traits.columns.length === 0 ? 0 : same / traits.columns.length;
}

/** Most candidates that compete for a place under diversity: bounds the work to limit x pool. */
const poolMax = 200;

/**
 * Reorders by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): each place takes the candidate with the
 * greatest (1 - w) * relevance - w * greatest likeness to the chosen, where relevance is 1 - place/pool, so that it does not
 * depend on the scorer's scale. O(limit x pool x columns).
 */
export function marginalRelevance(items: Int32Array, traits: ItemTraits, order: Int32Array, limit: number, weight: number): Int32Array {
  const pool = Array.from(order.subarray(0, Math.max(poolMax, limit)));
  const nearest = new Float64Array(pool.length);
  const taken = new Uint8Array(pool.length);
  const chosen: number[] = [];
  while (chosen.length < Math.min(limit, pool.length)) {
    let best = -1;
    let bestValue = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < pool.length; i++) {
      if (taken[i] === 1) continue;
      const value = (1 - weight) * (1 - i / pool.length) - weight * nearest[i]!;
      if (value > bestValue) {
        best = i;
        bestValue = value;
      }
    }
    taken[best] = 1;
    chosen.push(pool[best]!);
    const item = items[pool[best]!]!;
    for (let i = 0; i < pool.length; i++) nearest[i] = Math.max(nearest[i]!, likeness(traits, items[pool[i]!]!, item));
  }
  return Int32Array.from(chosen);
}

function countCodes(codes: Int32Array, items: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const item of items) counts.set(codes[item]!, (counts.get(codes[item]!) ?? 0) + 1);
  return counts;
}

/**
 * Takes positions in order while their group and category have room; then, if places are left, the best of the others.
 * @param listed items that stand in the list already and take up room.
 */
export function capGroups(
  items: Int32Array,
  traits: ItemTraits,
  order: Int32Array,
  limit: number,
  settings: ArrangeSettings,
  listed: readonly number[] = [],
): Int32Array {
  const groups = countCodes(traits.groups, listed);
  const categories = countCodes(traits.categories, listed);
  const chosen: number[] = [];
  const spare: number[] = [];
  const room = (counts: Map<number, number>, code: number, most: number): boolean =>
    most === 0 || code < 0 || (counts.get(code) ?? 0) < most;
  for (const position of order) {
    if (chosen.length === limit) break;
    const group = traits.groups[items[position]!]!;
    const category = traits.categories[items[position]!]!;
    if (room(groups, group, settings.groupMax) && room(categories, category, settings.categoryMax)) {
      chosen.push(position);
      groups.set(group, (groups.get(group) ?? 0) + 1);
      categories.set(category, (categories.get(category) ?? 0) + 1);
    } else spare.push(position);
  }
  return Int32Array.from([...chosen, ...spare.slice(0, limit - chosen.length)]);
}

/** Positions of the answer, best first; full whenever there are `limit` candidates. `listed` as in `capGroups`. */
export function arrange(
  items: Int32Array,
  traits: ItemTraits,
  order: Int32Array,
  limit: number,
  settings: ArrangeSettings,
  listed: readonly number[] = [],
): Int32Array {
  const ranked =
    settings.diversity > 0 ? marginalRelevance(items, traits, order, Math.min(order.length, limit * 4), settings.diversity) : order;
  return capGroups(items, traits, ranked, limit, settings, listed);
}
