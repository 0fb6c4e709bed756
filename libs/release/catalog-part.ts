/** The vocabulary part: the items of a release in index order, with what filters and answers need. */

import type { AttributeColumn, Catalog } from "#libs/catalog/catalog.ts";
import type { NamedCatalog } from "#libs/catalog/overlay.ts";
import { ModisteError } from "#libs/core/errors.ts";
import type { DayCounts } from "#libs/features/day-counts.ts";
import type { ReleaseCounts } from "#libs/features/live-counts.ts";
import type { PartReader, PartWriter } from "./part.ts";

export const vocabularyPart = "vocabulary";

function writeColumn(part: PartWriter, key: string, column: AttributeColumn): void {
  part.tensors({ [`${key}.codes`]: column.codes });
  part.strings(`${key}.values`, column.values);
}

/** Descriptions stay behind: they are needed to fit, not to serve. `recent`: what `countDays` counts before the end, so that windows can age. */
export function writeCatalog(part: PartWriter, catalog: Catalog, endSeconds: number, recent: DayCounts | null = null): void {
  part.strings("ids", catalog.ids);
  part.strings("names", catalog.names);
  writeColumn(part, "category", catalog.category);
  writeColumn(part, "product_group", catalog.productGroup);
  catalog.attributes.forEach((column, i) => {
    writeColumn(part, `attribute.${i}`, column);
  });
  part.tensors({ prices: catalog.prices, first_sale: catalog.firstSaleSeconds, last_sale: catalog.lastSaleSeconds });
  if (recent !== null) part.tensors({ "recent.offsets": recent.offsets, "recent.keys": recent.keys, "recent.counts": recent.counts });
  part.meta({
    items: catalog.itemCount,
    recent: recent !== null,
    end_seconds: endSeconds,
    category: catalog.category.name,
    product_group: catalog.productGroup.name,
    attributes: catalog.attributes.map((column) => column.name),
  });
}

/** A release's catalogue, or one with what the shop has said since: then `itemCount` is greater than the release's where items are new. */
export interface IndexedCatalog extends NamedCatalog, ReleaseCounts {
  /** End of the data of the release, seconds since 1970 UTC. */
  readonly endSeconds: number;
}

function readColumn(part: PartReader, key: string, name: string, itemCount: number): AttributeColumn {
  const codes = part.int32(`${key}.codes`, itemCount);
  const values = part.strings(`${key}.values`);
  for (const code of codes) {
    if (code < -1 || code >= values.length) {
      throw new ModisteError(
        "data_loss",
        "tensor_range",
        `release ${part.release}, part ${part.part}: ${name} has code ${code} of ${values.length}`,
      );
    }
  }
  return { name, codes, values };
}

function readRecent(part: PartReader, items: number): DayCounts {
  const offsets = part.int32("recent.offsets", items + 1);
  const buckets = offsets[items]!;
  return { offsets, keys: part.uint32("recent.keys", buckets), counts: part.uint32("recent.counts", buckets) };
}

export function readCatalog(part: PartReader): IndexedCatalog {
  const meta = part.meta() as {
    items: number;
    recent?: boolean;
    end_seconds: number;
    category: string;
    product_group: string;
    attributes: string[];
  };
  const ids = part.strings("ids", meta.items);
  const indexOf = new Map(ids.map((id, index) => [id, index]));
  if (indexOf.size !== ids.length) {
    throw new ModisteError("data_loss", "vocabulary_doubles", `release ${part.release}: ${ids.length - indexOf.size} item ids stand twice`);
  }
  return {
    itemCount: meta.items,
    ids,
    names: part.strings("names", meta.items),
    texts: [],
    category: readColumn(part, "category", meta.category, meta.items),
    productGroup: readColumn(part, "product_group", meta.product_group, meta.items),
    attributes: meta.attributes.map((name, i) => readColumn(part, `attribute.${i}`, name, meta.items)),
    prices: part.float32("prices", meta.items),
    firstSaleSeconds: part.uint32("first_sale", meta.items),
    lastSaleSeconds: part.uint32("last_sale", meta.items),
    indexOf,
    availability: null,
    endSeconds: meta.end_seconds,
    recent: meta.recent === true ? readRecent(part, meta.items) : null,
  };
}

/** A data set's catalogue before any release is written; the trainer's view. */
export function indexCatalog(catalog: Catalog, endSeconds: number): IndexedCatalog {
  return { ...catalog, indexOf: new Map(catalog.ids.map((id, index) => [id, index])), availability: null, endSeconds, recent: null };
}
