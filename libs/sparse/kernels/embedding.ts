// AssemblyScript, not TypeScript: a part of sparse.ts. Embedding tables [rows, d] and rows gathered from them; a row number below 0 is left out.

import { adam } from "./sparse";

/** out[i] = table[rows[i]] for i < count, 0 where rows[i] < 0; keep = 1: adds to what stands in out. */
export function gatherSum(table: usize, rows: usize, count: i32, d: i32, out: usize, keep: i32): void {
  const stride = (<usize>d) << 2;
  for (let i = 0; i < count; i++) {
    const row = load<i32>(rows + ((<usize>i) << 2));
    const to = out + <usize>i * stride;
    if (row < 0) {
      if (keep == 0) memory.fill(to, 0, stride);
    } else if (keep == 0) {
      memory.copy(to, table + <usize>row * stride, stride);
    } else {
      const from = table + <usize>row * stride;
      for (let c: usize = 0; c < stride; c += 16) v128.store(to + c, f32x4.add(v128.load(to + c), v128.load(from + c)));
    }
  }
}

/** table[rows[i]] += x[i] for i < count; rows may repeat. */
export function scatterSum(x: usize, rows: usize, count: i32, d: i32, table: usize): void {
  const stride = (<usize>d) << 2;
  for (let i = 0; i < count; i++) {
    const row = load<i32>(rows + ((<usize>i) << 2));
    if (row < 0) continue;
    const from = x + <usize>i * stride;
    const to = table + <usize>row * stride;
    for (let c: usize = 0; c < stride; c += 16) v128.store(to + c, f32x4.add(v128.load(to + c), v128.load(from + c)));
  }
}

/** One Adam step on the listed rows (distinct) of w by those of g, which become 0. */
export function adamRows(
  rows: usize,
  count: i32,
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  d: i32,
  rate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
): void {
  for (let i = 0; i < count; i++) {
    const row = load<i32>(rows + ((<usize>i) << 2));
    if (row < 0) continue;
    // By the row's own address: value numbers of a large table do not fit 32 bits as bytes.
    const at = (<usize>row * <usize>d) << 2;
    adam(w + at, g + at, m + at, v + at, 0, d, rate, beta1, beta2, epsilon);
    memory.fill(g + at, 0, (<usize>d) << 2);
  }
}
