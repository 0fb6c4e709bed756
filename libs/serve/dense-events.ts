/** Histories of external ids in the terms of one release. */

import type { History } from "#libs/events/event.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";

export interface DenseEvents {
  /** Dense item indexes; events on items that the release does not know are left out. */
  readonly items: Int32Array;
  /** Seconds since 1970 UTC, ascending. */
  readonly times: Float64Array;
  /** `eventCode` values. */
  readonly types: Uint8Array;
}

/** `itemCount`: items of a greater index are left out, too. */
export function denseEvents(
  history: History,
  { indexOf }: Pick<IndexedCatalog, "indexOf">,
  itemCount = Number.POSITIVE_INFINITY,
): DenseEvents {
  const known: number[] = [];
  const items: number[] = [];
  history.itemIds.forEach((id, i) => {
    const item = indexOf.get(id);
    if (item === undefined || item >= itemCount) return;
    known.push(i);
    items.push(item);
  });
  return {
    items: Int32Array.from(items),
    times: Float64Array.from(known, (i) => history.timesSeconds[i]!),
    types: Uint8Array.from(known, (i) => history.types[i]!),
  };
}
