/** The space of item vectors: what a release keeps of it, so that an item that came later has a vector, too. */

import type { Catalog } from "#libs/catalog/catalog.ts";
import { type AttributeVocabulary, attributeRow, type TextVocabulary, textRow, tokenColumns } from "#libs/models/content/features.ts";

export interface ContentSpace {
  readonly attributes: AttributeVocabulary;
  readonly text: TextVocabulary;
  /** Right singular vectors, [values and tokens, d]. */
  readonly projection: Float32Array;
  readonly textShare: number;
  readonly d: number;
}

/** In place; a vector of zeros stays one. */
export function scaleToOne(vector: Float32Array): void {
  let square = 0;
  for (let c = 0; c < vector.length; c++) square += vector[c]! ** 2;
  if (square === 0) return;
  const factor = 1 / Math.sqrt(square);
  for (let c = 0; c < vector.length; c++) vector[c]! *= factor;
}

/**
 * Makes vectors of items that the space was not fitted on: the item's row times the right singular vectors (folding in; Deerwester et al. 1990), of length 1,
 * or 0 where nothing of it is known to the space. `catalog`: with codes of the space's catalogue. O(values and tokens of the item x d).
 */
export function createFolding(space: ContentSpace): (catalog: Catalog, item: number) => Float32Array {
  const { attributes, text, projection, textShare, d } = space;
  const columnOf = tokenColumns(text);
  const addBlock = (to: Float32Array, row: readonly (readonly [number, number])[], base: number, share: number): void => {
    const length = Math.hypot(...row.map(([, value]) => value));
    if (length === 0) return;
    for (const [column, value] of row) {
      const weight = (Math.sqrt(share) * value) / length;
      for (let c = 0; c < d; c++) to[c]! += weight * projection[(base + column) * d + c]!;
    }
  };
  return (catalog, item) => {
    const vector = new Float32Array(d);
    addBlock(vector, attributeRow(attributes, catalog, item), 0, 1 - textShare);
    addBlock(vector, textRow(text, columnOf, catalog, item), attributes.weights.length, textShare);
    scaleToOne(vector);
    return vector;
  };
}
