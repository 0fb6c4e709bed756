/** What a row of Wide & Deep is made of: one candidate of one request. */

/** Rows side by side; each list of candidates has one state. */
export interface WideDeepRows {
  /** Standardised features, [rows, numeric]. */
  readonly numeric: Float32Array;
  /** Rows of the embedding table, [rows, columns]. */
  readonly categories: Int32Array;
  /** Buckets of crosses, -1 for none, [rows, cross count]. */
  readonly crosses: Int32Array;
  readonly crossCount: number;
  /** SASRec's states of the users, [users, d], and its vectors of the items, [items + 1, d]; null without. */
  readonly sequence: SequenceRows | null;
}

export interface SequenceRows {
  readonly d: number;
  readonly states: Float32Array;
  /** Row of `states` for each row, [rows]. */
  readonly users: Int32Array;
  readonly vectors: Float32Array;
  /** Row of `vectors` for each row, [rows]. */
  readonly items: Int32Array;
}

export interface DeepSizes {
  readonly numeric: number;
  /** Embedded columns, their dimensions each, and rows of all their tables together. */
  readonly columns: number;
  readonly embedding: number;
  readonly embeddingRows: number;
  /** Dimensions of SASRec, 0 without. */
  readonly d: number;
  readonly buckets: number;
}

/** Columns of the deep part: features, embeddings, the products of state and item by dimension, their sum, and the state. */
export const deepWidth = ({ numeric, columns, embedding, d }: DeepSizes): number =>
  numeric + columns * embedding + (d === 0 ? 0 : 2 * d + 1);

/** Sum of a row's weights of crosses. */
export function sumCrosses({ crosses, crossCount }: WideDeepRows, row: number, weights: Float32Array): number {
  let sum = 0;
  for (let c = row * crossCount; c < (row + 1) * crossCount; c++) if (crosses[c]! >= 0) sum += weights[crosses[c]!]!;
  return sum;
}

/** Writes `wanted` rows into `out` [wanted, width]; rows of -1 become 0. */
export function fillDeep(out: Float32Array, rows: WideDeepRows, wanted: Int32Array, sizes: DeepSizes, embeddings: Float32Array): void {
  const { numeric, columns, embedding, d } = sizes;
  const { numeric: features, categories, sequence } = rows;
  const width = deepWidth(sizes);
  for (let at = 0; at < wanted.length; at++) {
    const row = wanted[at]!;
    let to = at * width;
    if (row < 0) {
      out.fill(0, to, to + width);
      continue;
    }
    for (let c = 0, from = row * numeric; c < numeric; c++) out[to + c] = features[from + c]!;
    to += numeric;
    for (let c = 0; c < columns; c++, to += embedding) {
      const from = categories[row * columns + c]! * embedding;
      for (let e = 0; e < embedding; e++) out[to + e] = embeddings[from + e]!;
    }
    if (sequence) fillSequence(out, to, sequence, row, d);
  }
}

function fillSequence(out: Float32Array, to: number, { states, users, vectors, items }: SequenceRows, row: number, d: number): void {
  const state = users[row]! * d;
  const vector = items[row]! * d;
  let score = 0;
  for (let c = 0; c < d; c++) {
    const product = states[state + c]! * vectors[vector + c]!;
    out[to + c] = product;
    score += product;
  }
  out[to + d] = score;
  // A loop of its own: a fifth faster.
  for (let c = 0, at = to + d + 1; c < d; c++) out[at + c] = states[state + c]!;
}
