/** What the page says of a shop and offers as filters. */

import type { AttributeColumn, Catalog } from "#libs/catalog/catalog.ts";
import { surfaceNames } from "#libs/pipeline/surfaces.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import type { GatewayRelease } from "../release.ts";

/** Values offered in one filter. */
const valuesMax = 60;
/** Attributes that people call the colour, the coarser one first. */
const colourNames = ["colour_master", "colour", "color"];
/** Values that say nothing. */
const emptyWords = new Set(["", "unknown", "undefined", "other"]);

/** The values with most items, most first. O(items). */
function topValues({ values, codes }: AttributeColumn): string[] {
  const counts = new Float64Array(values.length);
  for (const code of codes) if (code >= 0) counts[code]!++;
  return [...counts.keys()]
    .filter((code) => counts[code]! > 0 && !emptyWords.has(values[code]!.toLowerCase()))
    .sort((a, b) => counts[b]! - counts[a]!)
    .slice(0, valuesMax)
    .map((code) => values[code]!);
}

function colours(catalog: Catalog): { attribute: string; values: string[] } | null {
  for (const name of colourNames) {
    const column = catalog.attributes.find((candidate) => candidate.name === name);
    if (column) return { attribute: column.name, values: topValues(column) };
  }
  return null;
}

export interface ShopDescription {
  readonly release: string;
  readonly data: string;
  /** Seconds since 1970 UTC. */
  readonly data_end: number;
  readonly items: number;
  readonly categories: readonly string[];
  /** Null in a catalogue without colours. */
  readonly colours: { readonly attribute: string; readonly values: readonly string[] } | null;
  /** Whether any item has a price. */
  readonly priced: boolean;
  readonly surfaces: readonly string[];
}

function describe(manifest: ReleaseManifest, { catalog }: GatewayRelease): ShopDescription {
  return {
    release: manifest.id,
    data: manifest.data.name,
    data_end: manifest.data.end_seconds,
    items: catalog.itemCount,
    categories: topValues(catalog.category).sort((a, b) => (a < b ? -1 : 1)),
    colours: colours(catalog),
    priced: catalog.prices.some((price) => price > 0),
    surfaces: surfaceNames,
  };
}

/** Keeps one description a release: counting values takes milliseconds at full size. */
export function createShopDescriber(): (manifest: ReleaseManifest, release: GatewayRelease) => ShopDescription {
  const described = new WeakMap<GatewayRelease, ShopDescription>();
  return (manifest, release) => {
    const description = described.get(release) ?? describe(manifest, release);
    described.set(release, description);
    return description;
  };
}
