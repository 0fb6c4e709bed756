/** Which items may be answered: conditions of the request, compiled against one catalogue. */

import { invalid } from "#libs/core/errors.ts";
import type { AttributeColumn, Catalog } from "./catalog.ts";

export interface ItemFilter {
  /** Accepted categories; empty accepts all. */
  readonly categories: readonly string[];
  /** All must hold; one of the values each. */
  readonly attributes: readonly { readonly attribute: string; readonly values: readonly string[] }[];
  /** 0 sets no bound. */
  readonly priceMin: number;
  readonly priceMax: number;
}

export const noFilter: ItemFilter = { categories: [], attributes: [], priceMin: 0, priceMax: 0 };

export function isEmptyFilter(filter: ItemFilter): boolean {
  return filter.categories.length === 0 && filter.attributes.length === 0 && filter.priceMin === 0 && filter.priceMax === 0;
}

/** Most entries of one list inside a filter. */
export const filterValuesMax = 100;

/** Undefined where the catalogue has no attribute of this name. */
export function columnNamed(catalog: Catalog, name: string): AttributeColumn | undefined {
  if (name === catalog.category.name) return catalog.category;
  if (name === catalog.productGroup.name) return catalog.productGroup;
  return catalog.attributes.find((column) => column.name === name);
}

function checkPrices(filter: ItemFilter): void {
  for (const [field, price] of [
    ["filter.price_min", filter.priceMin],
    ["filter.price_max", filter.priceMax],
  ] as const) {
    if (!Number.isFinite(price) || price < 0) throw invalid(field, `must be a number of 0 or more, got ${price}`);
  }
  if (filter.priceMax > 0 && filter.priceMin > filter.priceMax) throw invalid("filter.price_min", "is above filter.price_max");
}

/** Throws `invalid_argument` naming the field: unknown attribute, no values, too many values, broken prices. */
export function checkFilter(catalog: Catalog, filter: ItemFilter): void {
  checkPrices(filter);
  if (filter.categories.length > filterValuesMax) throw invalid("filter.categories", `has more than ${filterValuesMax} entries`);
  if (filter.attributes.length > filterValuesMax) throw invalid("filter.attributes", `has more than ${filterValuesMax} entries`);
  filter.attributes.forEach((condition, i) => {
    const field = `filter.attributes[${i}]`;
    if (!columnNamed(catalog, condition.attribute)) {
      const known = [catalog.category, ...catalog.attributes].map((column) => column.name).join(", ");
      throw invalid(
        `${field}.attribute`,
        `"${condition.attribute.slice(0, 64)}" is no attribute of this catalogue; known are ${known}`,
        "unknown_attribute",
      );
    }
    if (condition.values.length === 0) throw invalid(`${field}.values`, "needs at least one value");
    if (condition.values.length > filterValuesMax) throw invalid(`${field}.values`, `has more than ${filterValuesMax} entries`);
  });
}

/** One named condition of a filter; the name says in an empty answer what excluded everything. */
export interface FilterCondition {
  readonly name: string;
  readonly keep: (item: number) => boolean;
}

function valueCondition(name: string, column: AttributeColumn, values: readonly string[]): FilterCondition {
  const accepted = new Uint8Array(column.values.length);
  const wanted = new Set(values);
  column.values.forEach((value, code) => {
    if (wanted.has(value)) accepted[code] = 1;
  });
  return { name, keep: (item) => accepted[column.codes[item]!] === 1 };
}

/** A catalogue on which the shop may have had a word since; see `NamedCatalog`. */
export type FilteredCatalog = Catalog & { readonly availability?: Int8Array | null };

/** The conditions of a checked filter. An item of unknown price fails every price bound, one that the shop does not list every filter. */
export function compileFilter(catalog: FilteredCatalog, filter: ItemFilter): FilterCondition[] {
  const conditions: FilterCondition[] = [];
  const { availability = null } = catalog;
  if (availability !== null) conditions.push({ name: "listed", keep: (item) => availability[item]! >= 0 });
  if (filter.categories.length > 0) conditions.push(valueCondition("category", catalog.category, filter.categories));
  for (const { attribute, values } of filter.attributes) {
    const column = columnNamed(catalog, attribute);
    if (column) conditions.push(valueCondition(attribute, column, values));
  }
  const { priceMin, priceMax } = filter;
  if (priceMin > 0 || priceMax > 0) {
    const top = priceMax > 0 ? priceMax : Number.POSITIVE_INFINITY;
    conditions.push({
      name: "price",
      keep: (item) => {
        const price = catalog.prices[item]!;
        return price > 0 && price >= priceMin && price <= top;
      },
    });
  }
  return conditions;
}

/** The items that pass, as a mask and as a list. */
export interface AllowedItems {
  /** [items], 1 where the item passes. */
  readonly mask: Uint8Array;
  /** The items that pass, ascending. */
  readonly items: Int32Array;
}

/** O(items x conditions). */
export function evaluateFilter(catalog: Catalog, conditions: readonly FilterCondition[]): AllowedItems {
  const mask = new Uint8Array(catalog.itemCount);
  let count = 0;
  for (let item = 0; item < catalog.itemCount; item++) {
    if (conditions.every((condition) => condition.keep(item))) {
      mask[item] = 1;
      count++;
    }
  }
  const items = new Int32Array(count);
  for (let item = 0, at = 0; item < catalog.itemCount; item++) if (mask[item] === 1) items[at++] = item;
  return { mask, items };
}

/** Keeps the last filters' results, since shops repeat a few filters; at most `entries` of them. */
export function createFilterCache(catalog: FilteredCatalog, entries = 32): (filter: ItemFilter) => AllowedItems | null {
  const cache = new Map<string, AllowedItems>();
  return (filter) => {
    if (isEmptyFilter(filter)) return null;
    const key = JSON.stringify([filter.categories, filter.attributes, filter.priceMin, filter.priceMax]);
    const found = cache.get(key) ?? evaluateFilter(catalog, compileFilter(catalog, filter));
    cache.delete(key);
    cache.set(key, found);
    if (cache.size > entries) cache.delete(cache.keys().next().value as string);
    return found;
  };
}
