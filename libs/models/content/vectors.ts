/** Item vectors: features reduced by truncated SVD, each of length 1, so that a dot product is a cosine. */

import type { Catalog } from "#libs/catalog/catalog.ts";
import { secondsPerDay } from "#libs/core/clock.ts";
import type { Progress } from "#libs/core/progress.ts";
import { attributeRows, attributeVocabulary, joinBlocks, textRows, textVocabulary } from "#libs/models/content/features.ts";
import type { ContentSettings } from "#libs/models/content/settings.ts";
import { type ContentSpace, scaleToOne } from "#libs/models/content/space.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import { truncatedSvd } from "#libs/sparse/svd.ts";

/** Extra directions of the random projection; with the dimensions a multiple of 4. */
const oversample = 12;

export interface ContentVectors {
  /** U S of the feature matrix, rows scaled to length 1 (rows without any feature stay 0), [items, dimensions]. Latent semantic analysis. */
  readonly vectors: Float32Array;
  /** What it takes to make the vector of another item. */
  readonly space: ContentSpace;
}

export async function contentVectors(
  catalog: Catalog,
  settings: ContentSettings,
  seed: number,
  pace: Pace,
  progress: Progress,
): Promise<ContentVectors> {
  const d = settings.dimensions;
  progress({ step: "content: reading texts", done: 0, total: 0, unit: "items" });
  const text = await textVocabulary(catalog, settings, pace);
  const attributes = attributeVocabulary(catalog);
  const rows = await textRows(catalog, settings, pace, text);
  const features = joinBlocks(await attributeRows(catalog, pace, attributes), rows, settings.textShare);
  progress({ step: "content: reducing", done: 0, total: 0, unit: "items" });
  const { u, s, v } = await truncatedSvd(features, { rank: d, oversample, iterations: settings.svdIterations, seed }, pace);
  for (let item = 0; item < catalog.itemCount; item++) {
    const vector = u.subarray(item * d, (item + 1) * d);
    for (let c = 0; c < d; c++) vector[c]! *= s[c]!;
    scaleToOne(vector);
  }
  return { vectors: u, space: { attributes, text, projection: v, textShare: settings.textShare, d } };
}

/** 1 for items on sale: sold within the last days before the data's end, or never sold yet. [items]. */
export function activeItems(catalog: Catalog, nowSeconds: number, activeDays: number): Uint8Array {
  let end = 0;
  for (const time of catalog.lastSaleSeconds) if (time < nowSeconds && time > end) end = time;
  const oldest = activeDays > 0 ? end - activeDays * secondsPerDay : 0;
  // A sale at or after `nowSeconds` is the future: an item first sold then counts as never sold.
  return Uint8Array.from(catalog.lastSaleSeconds, (last, item) => {
    const first = catalog.firstSaleSeconds[item]!;
    return first === 0 || first >= nowSeconds || last >= oldest ? 1 : 0;
  });
}
