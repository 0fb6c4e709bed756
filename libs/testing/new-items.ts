/** A catalogue with items that came after its release, for tests of what is said of them. */

import type { Catalog } from "#libs/catalog/catalog.ts";
import { type ItemUpdate, unsaid } from "#libs/catalog/item-word.ts";
import { createOverlay } from "#libs/catalog/overlay.ts";
import { type IndexedCatalog, indexCatalog } from "#libs/release/catalog-part.ts";

/** What a shop would say of an item that is in all but its id and what `said` says as item `model`; its product is its own unless `said` names one. */
export function twinOf(catalog: Catalog, model: number, said: Partial<ItemUpdate> & { readonly itemId: string }): ItemUpdate {
  const wordOf = ({ values, codes }: Catalog["category"]): string => values[codes[model]!] ?? "";
  return {
    ...unsaid(said.itemId),
    name: catalog.names[model]!,
    text: catalog.texts[model] ?? null,
    category: wordOf(catalog.category),
    price: catalog.prices[model]!,
    attributes: Object.fromEntries(catalog.attributes.map((column) => [column.name, wordOf(column)])),
    ...said,
  };
}

/** The items stand behind the catalogue's own, in their order. */
export function withNewItems(catalog: Catalog, updates: readonly ItemUpdate[]): IndexedCatalog {
  const overlay = createOverlay(indexCatalog(catalog, 0));
  overlay.apply(updates.map((update) => ({ ...update, withdrawn: false, changeId: update.itemId, timeSeconds: 1 })));
  return overlay.current();
}
