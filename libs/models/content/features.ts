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

/** What attributes count: one column a value, column after column of the catalogue. */
export interface AttributeVocabulary {
  /** By their place among category, product group and attributes; how many values each has. */
  readonly columns: readonly { readonly place: number; readonly size: number }[];
  /** By value, all columns one after the other; 0: says nothing. */
  readonly weights: Float64Array;
}

/** What words count. */
export interface TextVocabulary {
  readonly tokens: readonly string[];
  /** Rarity of each token. */
  readonly weights: Float64Array;
}

const columnsOf = ({ category, productGroup, attributes }: Catalog): AttributeColumn[] => [category, productGroup, ...attributes];

/**
 * Values that at least two items share, weighted by sqrt(ln(items / items with it) + 1/10): what all items share says little, and the root keeps
 * rare values from drowning the rest. Columns with a single value are left out.
 */
export function attributeVocabulary(catalog: Catalog): AttributeVocabulary {
  const columns = columnsOf(catalog).flatMap((column, place) => (column.values.length > 1 ? [{ column, place }] : []));
  const weights = columns.flatMap(({ column }) => [...valueWeights(column, catalog.itemCount)]);
  return { columns: columns.map(({ column, place }) => ({ place, size: column.values.length })), weights: Float64Array.from(weights) };
}

/** Columns and weights of one item's known values. */
export function attributeRow({ columns, weights }: AttributeVocabulary, catalog: Catalog, item: number): [number, number][] {
  const row: [number, number][] = [];
  const named = columnsOf(catalog);
  let base = 0;
  for (const { place, size } of columns) {
    const code = named[place]?.codes[item] ?? -1;
    // A value that came after the vocabulary says nothing.
    if (code >= 0 && code < size && weights[base + code]! > 0) row.push([base + code, weights[base + code]!]);
    base += size;
  }
  return row;
}

function addRow(rows: Rows, item: number, row: readonly (readonly [number, number])[]): void {
  for (const [column, value] of row) {
    rows.indices.push(column);
    rows.values.push(value);
  }
  rows.offsets[item + 1] = rows.indices.length;
}

/** [items, values]. */
export async function attributeRows(catalog: Catalog, pace: Pace, vocabulary = attributeVocabulary(catalog)): Promise<Csr> {
  const rows = createRows(catalog.itemCount);
  for (let item = 0; item < catalog.itemCount; item++) {
    addRow(rows, item, attributeRow(vocabulary, catalog, item));
    if (item % 500 === 0 && pace.due()) await pace.turn();
  }
  return normalizeRows(toCsr(rows, vocabulary.weights.length));
}

function valueWeights(column: AttributeColumn, itemCount: number): Float64Array {
  const counts = new Float64Array(column.values.length);
  for (const code of column.codes) if (code >= 0) counts[code]!++;
  return counts.map((count) => (count < 2 ? 0 : Math.sqrt(Math.log(itemCount / count) + 0.1)));
}

const tokensOf = ({ names, texts }: Catalog, item: number): string[] => tokenize(`${names[item] ?? ""} ${texts[item] ?? ""}`);

/** Tokens that enough items have, and not too many, the most frequent first. */
export async function textVocabulary(catalog: Catalog, settings: ContentSettings, pace: Pace): Promise<TextVocabulary> {
  const frequencies = new Map<string, number>();
  for (let item = 0; item < catalog.itemCount; item++) {
    for (const token of new Set(tokensOf(catalog, item))) frequencies.set(token, (frequencies.get(token) ?? 0) + 1);
    if (item % 500 === 0 && pace.due()) await pace.turn();
  }
  const most = settings.tokenShareMax * catalog.itemCount;
  const kept = [...frequencies]
    .filter(([, count]) => count >= settings.tokenUsersMin && count <= most)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, settings.tokensMax);
  return {
    tokens: kept.map(([token]) => token),
    weights: Float64Array.from(kept, ([, count]) => Math.log(catalog.itemCount / count)),
  };
}

/** (1 + ln tf) ln(items / df) of an item's tokens of name and text (Salton and Buckley 1988). `columnOf`: of the vocabulary's tokens. */
export function textRow(
  { weights }: TextVocabulary,
  columnOf: ReadonlyMap<string, number>,
  catalog: Catalog,
  item: number,
): [number, number][] {
  const counts = new Map<number, number>();
  for (const token of tokensOf(catalog, item)) {
    const column = columnOf.get(token);
    if (column !== undefined) counts.set(column, (counts.get(column) ?? 0) + 1);
  }
  return Array.from(counts, ([column, count]) => [column, (1 + Math.log(count)) * weights[column]!]);
}

export const tokenColumns = ({ tokens }: TextVocabulary): Map<string, number> => new Map(tokens.map((token, column) => [token, column]));

/** Rows of length 1, [items, tokens]. */
export async function textRows(catalog: Catalog, settings: ContentSettings, pace: Pace, vocabulary?: TextVocabulary): Promise<Csr> {
  const known = vocabulary ?? (await textVocabulary(catalog, settings, pace));
  const columnOf = tokenColumns(known);
  const rows = createRows(catalog.itemCount);
  for (let item = 0; item < catalog.itemCount; item++) {
    addRow(rows, item, textRow(known, columnOf, catalog, item));
    if (item % 500 === 0 && pace.due()) await pace.turn();
  }
  return normalizeRows(toCsr(rows, known.tokens.length));
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
