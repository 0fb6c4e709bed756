/** Items of the catalogue as answers show them. */

import type { AttributeColumn } from "#libs/catalog/catalog.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";

export interface CatalogItem {
  readonly name: string;
  readonly category: string;
  readonly price: number;
  readonly attributes: Record<string, string>;
}

const attributeValue = (column: AttributeColumn, item: number): string => column.values[column.codes[item]!] ?? "";

function attributesOf(columns: readonly AttributeColumn[], item: number): Record<string, string> {
  const known: Record<string, string> = {};
  for (const column of columns) {
    const value = attributeValue(column, item);
    if (value !== "") known[column.name] = value;
  }
  return known;
}

/** `item` is a dense index. */
export function catalogItem(catalog: IndexedCatalog, item: number): CatalogItem {
  return {
    name: catalog.names[item]!,
    category: attributeValue(catalog.category, item),
    // Prices are stored in 32 bits; more than hundredths would show their rounding.
    price: Math.round(catalog.prices[item]! * 100) / 100,
    attributes: attributesOf(catalog.attributes, item),
  };
}
