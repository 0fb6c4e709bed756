/** Functions of kernels/embedding.ts; every array is a byte offset into the memory, matrices are row-major f32, d a multiple of 4. */
export interface EmbeddingKernels {
  /** out[i] = table[rows[i]] for i < count, 0 where rows[i] < 0; keep 1: added to what stands in out. */
  gatherSum(table: number, rows: number, count: number, d: number, out: number, keep: 0 | 1): void;
  /** table[rows[i]] += x[i] for i < count where rows[i] >= 0; rows may repeat. */
  scatterSum(x: number, rows: number, count: number, d: number, table: number): void;
  /** One Adam step on the listed rows (distinct; below 0: left out) of w by those of g, which become 0. */
  adamRows(
    rows: number,
    count: number,
    w: number,
    g: number,
    m: number,
    v: number,
    d: number,
    rate: number,
    b1: number,
    b2: number,
    epsilon: number,
  ): void;
}
