/** Items as sparse rows: one-hot attributes and TF-IDF text, each block of length 1 before it is weighted. */

import type { AttributeColumn, Catalog } from "#libs/catalog/catalog.ts";
import type { ContentSettings } from "#libs/models/content/settings.ts";
import { type Csr, normalizeRows } from "#libs/sparse/csr.ts";
import type { Pace } from "#libs/sparse/pace.ts";

/** Words of two or more letters or digits of any script, lower case. */
export function tokenize(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [];
}

/** Rows under construction. */
interface Rows {
  readonly offsets: Int32Array;
  readonly indices: number[];
  readonly values: number[];
}

const createRows = (count: number): Rows => ({ offsets: new Int32Array(count + 1), indices: [], values: [] });

function toCsr(rows: Rows, columns: number): Csr {
  const indices = Int32Array.from(rows.indices);
  return { rows: rows.offsets.length - 1, columns, offsets: rows.offsets, indices, values: Float32Array.from(rows.values) };
}

/**
 * One column a value that at least two items share, weighted by sqrt(ln(items / items with it) + 1/10): what all items share says
 * little, and the root keeps rare values from drowning the rest. Columns with a single value are left out. [items, values].
 */
export async function attributeRows(catalog: Catalog, pace: Pace): Promise<Csr> {
  const columns = [catalog.category, catalog.productGroup, ...catalog.attributes].filter((column) => column.values.length > 1);
  const weights = columns.map((column) => valueWeights(column, catalog.itemCount));
  const rows = createRows(catalog.itemCount);
  const bases: number[] = [];
  let width = 0;
  for (const column of columns) {
    bases.push(width);
    width += column.values.length;
  }
  for (let item = 0; item < catalog.itemCount; item++) {
    columns.forEach((column, c) => {
      const code = column.codes[item]!;
      const weight = code < 0 ? 0 : weights[c]![code]!;
      if (weight === 0) return;
      rows.indices.push(bases[c]! + code);
      rows.values.push(weight);
    });
    rows.offsets[item + 1] = rows.indices.length;
    if (item % 500 === 0 && pace.due()) await pace.turn();
  }
  return normalizeRows(toCsr(rows, width));
}

function valueWeights(column: AttributeColumn, itemCount: number): Float64Array {
  const counts = new Float64Array(column.values.length);
  for (const code of column.codes) if (code >= 0) counts[code]!++;
  return counts.map((count) => (count < 2 ? 0 : Math.sqrt(Math.log(itemCount / count) + 0.1)));
}

/** (1 + ln tf) ln(items / df) of the tokens of name and text (Salton and Buckley 1988), rows of length 1, [items, tokens]. */
export async function textRows(catalog: Catalog, settings: ContentSettings, pace: Pace): Promise<Csr> {
  const documents: string[][] = [];
  const frequencies = new Map<string, number>();
  for (let item = 0; item < catalog.itemCount; item++) {
    const tokens = tokenize(`${catalog.names[item] ?? ""} ${catalog.texts[item] ?? ""}`);
    documents.push(tokens);
    for (const token of new Set(tokens)) frequencies.set(token, (frequencies.get(token) ?? 0) + 1);
    if (item % 500 === 0 && pace.due()) await pace.turn();
  }
  const most = settings.tokenShareMax * catalog.itemCount;
  const kept = [...frequencies]
    .filter(([, count]) => count >= settings.tokenUsersMin && count <= most)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, settings.tokensMax);
  const columnOf = new Map(kept.map(([token], column) => [token, column]));
  const rows = createRows(catalog.itemCount);
  for (const [item, document] of documents.entries()) {
    const counts = new Map<number, number>();
    for (const token of document) {
      const column = columnOf.get(token);
      if (column !== undefined) counts.set(column, (counts.get(column) ?? 0) + 1);
    }
    for (const [column, count] of counts) {
      rows.indices.push(column);
      rows.values.push((1 + Math.log(count)) * Math.log(catalog.itemCount / kept[column]![1]));
    }
    rows.offsets[item + 1] = rows.indices.length;
    if (item % 500 === 0 && pace.due()) await pace.turn();
  }
  return normalizeRows(toCsr(rows, kept.length));
}

/** Both blocks side by side, so that cosines are (1 - textShare) of the attributes' and textShare of the text's. */
export function joinBlocks(attributes: Csr, text: Csr, textShare: number): Csr {
  const offsets = Int32Array.from(attributes.offsets, (offset, row) => offset + text.offsets[row]!);
  const indices = new Int32Array(attributes.indices.length + text.indices.length);
  const values = new Float32Array(indices.length);
  const blocks = [
    { block: attributes, factor: Math.sqrt(1 - textShare), base: 0 },
    { block: text, factor: Math.sqrt(textShare), base: attributes.columns },
  ];
  for (let row = 0; row < attributes.rows; row++) {
    let at = offsets[row]!;
    for (const { block, factor, base } of blocks) {
      for (let e = block.offsets[row]!; e < block.offsets[row + 1]!; e++) {
        indices[at] = base + block.indices[e]!;
        values[at++] = factor * block.values[e]!;
      }
    }
  }
  return { rows: attributes.rows, columns: attributes.columns + text.columns, offsets, indices, values };
}
