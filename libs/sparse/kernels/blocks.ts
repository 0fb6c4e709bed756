// AssemblyScript: dense products by register blocks, exact ranking by blocks of users, sampled softmax. Re-exported by sparse.ts.
// "Panels" hold a matrix [d, n] as [ceil(n / 8)][d][8], so that eight columns of one row lie side by side; missing columns are 0.

import { siftDown, siftUp, swap } from "./heap";

/** out[(row - from) * outStride + 8 (p - panelFrom) ...] = x[row] times panel p, for rows [from, to); x [rows, d], outStride in values. */
export function multiplyPanels(
  x: usize,
  panels: usize,
  out: usize,
  d: i32,
  from: i32,
  to: i32,
  panelFrom: i32,
  panelTo: i32,
  outStride: i32,
): void {
  const stride = (<usize>d) << 2;
  const outBytes = (<usize>outStride) << 2;
  let row = from;
  for (; row + 4 <= to; row += 4) {
    const x0 = x + <usize>row * stride;
    const o0 = out + <usize>(row - from) * outBytes;
    for (let p = panelFrom; p < panelTo; p++) {
      let w = panels + <usize>p * (stride << 3);
      let a0 = f32x4.splat(0),
        b0 = a0,
        a1 = a0,
        b1 = a0,
        a2 = a0,
        b2 = a0,
        a3 = a0,
        b3 = a0;
      for (let q = x0, end = x0 + stride; q < end; q += 4) {
        const wa = v128.load(w);
        const wb = v128.load(w, 16);
        w += 32;
        const f0 = v128.load32_splat(q);
        const f1 = v128.load32_splat(q + stride);
        const f2 = v128.load32_splat(q + 2 * stride);
        const f3 = v128.load32_splat(q + 3 * stride);
        a0 = f32x4.add(a0, f32x4.mul(f0, wa));
        b0 = f32x4.add(b0, f32x4.mul(f0, wb));
        a1 = f32x4.add(a1, f32x4.mul(f1, wa));
        b1 = f32x4.add(b1, f32x4.mul(f1, wb));
        a2 = f32x4.add(a2, f32x4.mul(f2, wa));
        b2 = f32x4.add(b2, f32x4.mul(f2, wb));
        a3 = f32x4.add(a3, f32x4.mul(f3, wa));
        b3 = f32x4.add(b3, f32x4.mul(f3, wb));
      }
      const o = o0 + ((<usize>(p - panelFrom)) << 5);
      v128.store(o, a0);
      v128.store(o, b0, 16);
      v128.store(o + outBytes, a1);
      v128.store(o + outBytes, b1, 16);
      v128.store(o + 2 * outBytes, a2);
      v128.store(o + 2 * outBytes, b2, 16);
      v128.store(o + 3 * outBytes, a3);
      v128.store(o + 3 * outBytes, b3, 16);
    }
  }
  for (; row < to; row++) {
    const x0 = x + <usize>row * stride;
    for (let p = panelFrom; p < panelTo; p++) {
      let w = panels + <usize>p * (stride << 3);
      let a = f32x4.splat(0);
      let b = a;
      for (let q = x0, end = x0 + stride; q < end; q += 4) {
        const f = v128.load32_splat(q);
        a = f32x4.add(a, f32x4.mul(f, v128.load(w)));
        b = f32x4.add(b, f32x4.mul(f, v128.load(w, 16)));
        w += 32;
      }
      const o = out + <usize>(row - from) * outBytes + ((<usize>(p - panelFrom)) << 5);
      v128.store(o, a);
      v128.store(o, b, 16);
    }
  }
}

/** Panels of the transpose of rows of z [_, d]: column c of the panels is z[rows[c]] (rows = 0: z[c]); `count` columns, the rest 0. */
export function packRows(z: usize, rows: usize, count: i32, d: i32, panels: usize): void {
  const stride = (<usize>d) << 2;
  const padded = (count + 7) & ~7;
  for (let c = 0; c < padded; c++) {
    let at = panels + <usize>(c >> 3) * (stride << 3) + ((<usize>(c & 7)) << 2);
    const from = c >= count ? 0 : z + <usize>(rows != 0 ? load<i32>(rows + ((<usize>c) << 2)) : c) * stride;
    for (let i: usize = 0; i < stride; i += 4) {
      store<f32>(at, from != 0 ? load<f32>(from + i) : 0);
      at += 32;
    }
  }
}

/** out[i, j] += sum over rows [from, to) of a[row, i] b[row, j]; a [rows, n], b [rows, d], out [n, d]; `upper`: only j >= i (rounded down to 4). */
export function outerSum(a: usize, n: i32, b: usize, d: i32, from: i32, to: i32, out: usize, upper: i32): void {
  const aStride = (<usize>n) << 2;
  const stride = (<usize>d) << 2;
  let row = from;
  for (; row + 4 <= to; row += 4) {
    const a0 = a + <usize>row * aStride;
    const b0 = b + <usize>row * stride;
    for (let i: usize = 0; i < aStride; i += 4) {
      const f0 = v128.load32_splat(a0 + i);
      const f1 = v128.load32_splat(a0 + aStride + i);
      const f2 = v128.load32_splat(a0 + 2 * aStride + i);
      const f3 = v128.load32_splat(a0 + 3 * aStride + i);
      const o = out + (i >> 2) * stride;
      for (let j: usize = upper ? i & ~15 : 0; j < stride; j += 16) {
        const q = b0 + j;
        const s = f32x4.add(
          f32x4.add(f32x4.mul(f0, v128.load(q)), f32x4.mul(f1, v128.load(q + stride))),
          f32x4.add(f32x4.mul(f2, v128.load(q + 2 * stride)), f32x4.mul(f3, v128.load(q + 3 * stride))),
        );
        v128.store(o + j, f32x4.add(v128.load(o + j), s));
      }
    }
  }
  for (; row < to; row++) {
    for (let i: usize = 0; i < aStride; i += 4) {
      const f = v128.load32_splat(a + <usize>row * aStride + i);
      const o = out + (i >> 2) * stride;
      const q = b + <usize>row * stride;
      for (let j: usize = upper ? i & ~15 : 0; j < stride; j += 16) {
        v128.store(o + j, f32x4.add(v128.load(o + j), f32x4.mul(f, v128.load(q + j))));
      }
    }
  }
}

/** Takes scores[0, count) of items first, first + 1, ... into the heap (worst first) of at most k; returns its new size. Ties stay with the earlier. */
export function offerScores(scores: usize, first: i32, count: i32, k: i32, held: i32, topScores: usize, topIds: usize): i32 {
  let size = held;
  let threshold: f32 = size == k ? load<f32>(topScores) : -Infinity;
  let bar = f32x4.splat(threshold);
  for (let i = 0; i < count; i++) {
    const at = scores + ((<usize>i) << 2);
    if ((i & 3) == 0 && i + 4 <= count && !v128.any_true(f32x4.gt(v128.load(at), bar))) {
      i += 3;
      continue;
    }
    const score = load<f32>(at);
    if (!(score > threshold)) continue;
    if (size < k) {
      store<f32>(topScores + ((<usize>size) << 2), score);
      store<i32>(topIds + ((<usize>size) << 2), first + i);
      siftUp(topScores, topIds, size++);
    } else {
      store<f32>(topScores, score);
      store<i32>(topIds, first + i);
      siftDown(topScores, topIds, size);
    }
    if (size == k) {
      threshold = load<f32>(topScores);
      bar = f32x4.splat(threshold);
    }
  }
  return size;
}

/** Turns the heap into a list, best first, ties by the lower item. */
export function sortHeap(topScores: usize, topIds: usize, held: i32): void {
  for (let size = held - 1; size > 0; size--) {
    swap(topScores, topIds, 0, size);
    siftDown(topScores, topIds, size);
  }
}

/** Values a user has in the scratch of rankBlock: 32 panels, a tile of items that stays in the nearest cache. */
const tile: i32 = 256;

/**
 * The k best items of users [from, to) by <x[u], item>, best first, ties by the lower item, without seen[seenOffsets[u] .. seenOffsets[u + 1])
 * (ascending). topScores, topIds: [to - from, k]; sizes: [to - from], how many were found; scratch: [to - from, 256]; cursors: [to - from].
 */
export function rankBlock(
  x: usize,
  panels: usize,
  d: i32,
  itemCount: i32,
  from: i32,
  to: i32,
  seenOffsets: usize,
  seen: usize,
  scratch: usize,
  cursors: usize,
  k: i32,
  topScores: usize,
  topIds: usize,
  sizes: usize,
): void {
  const users = to - from;
  for (let u = 0; u < users; u++) {
    store<i32>(cursors + ((<usize>u) << 2), load<i32>(seenOffsets + ((<usize>(from + u)) << 2)));
    store<i32>(sizes + ((<usize>u) << 2), 0);
  }
  for (let first = 0; first < itemCount; first += tile) {
    const count = min(tile, itemCount - first);
    multiplyPanels(x, panels, scratch, d, from, to, first >> 3, (first + count + 7) >> 3, tile);
    for (let u = 0; u < users; u++) {
      const at = (<usize>u) << 2;
      const row = scratch + <usize>(u * tile) * 4;
      const end = load<i32>(seenOffsets + ((<usize>(from + u)) << 2), 4);
      let cursor = load<i32>(cursors + at);
      for (; cursor < end; cursor++) {
        const item = load<i32>(seen + ((<usize>cursor) << 2));
        if (item >= first + count) break;
        store<f32>(row + ((<usize>(item - first)) << 2), -Infinity);
      }
      store<i32>(cursors + at, cursor);
      const heap = <usize>(u * k) * 4;
      store<i32>(sizes + at, offerScores(row, first, count, k, load<i32>(sizes + at), topScores + heap, topIds + heap));
    }
  }
  for (let u = 0; u < users; u++) {
    const heap = <usize>(u * k) * 4;
    sortHeap(topScores + heap, topIds + heap, load<i32>(sizes + ((<usize>u) << 2)));
  }
}

/** y[i] = z[rows[i]] / |z[rows[i]]|, lengths[i] = |z[rows[i]]|, i in [from, to); unit = 0: copies, and lengths are 1. */
export function gatherRows(z: usize, rows: usize, from: i32, to: i32, d: i32, y: usize, lengths: usize, unit: i32): void {
  const stride = (<usize>d) << 2;
  for (let i = from; i < to; i++) {
    const at = z + <usize>load<i32>(rows + ((<usize>i) << 2)) * stride;
    let length: f32 = 1;
    if (unit) {
      let s = f32x4.splat(0);
      for (let c: usize = 0; c < stride; c += 16) s = f32x4.add(s, f32x4.mul(v128.load(at + c), v128.load(at + c)));
      length = Mathf.sqrt(sum4(s) + 1e-24);
    }
    store<f32>(lengths + ((<usize>i) << 2), length);
    const f = f32x4.splat(1 / length);
    const out = y + <usize>i * stride;
    for (let c: usize = 0; c < stride; c += 16) v128.store(out + c, f32x4.mul(f, v128.load(at + c)));
  }
}

function sum4(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** e^x of four values at most 0 (Cephes expf: x = n ln 2 + r, polynomial of r); below -87 about 1e-38. */
function exp4(given: v128): v128 {
  const x = f32x4.max(given, f32x4.splat(-87));
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504)));
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-0.00021219444)));
  let y = f32x4.splat(0.00019875691);
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(0.0013981999));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(0.008333452));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(0.041665796));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(0.16666666));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(0.5));
  y = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(y, r), r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(y, power);
}

/**
 * Sampled softmax of pairs [from, to): loss = -ln(e^p / (e^p + sum of e^n over the shared negatives)), p = <x, y>/t and n = <x, negative>/t.
 * logits [to - from, count] holds <x, negative> and is left with weight/t times each negative's probability; a negative that is the pair's own
 * positive (negatives[n] = positives[i]) does not count. pull [to - from]: weight/t times (1 - probability of the positive). Returns the summed loss.
 * count a multiple of 4.
 */
export function softmaxPairs(
  x: usize,
  y: usize,
  d: i32,
  from: i32,
  to: i32,
  positives: usize,
  negatives: usize,
  count: i32,
  logits: usize,
  pull: usize,
  inverse: f32,
  weight: f32,
): f64 {
  const stride = (<usize>d) << 2;
  const bytes = (<usize>count) << 2;
  const t = f32x4.splat(inverse);
  let loss: f64 = 0;
  for (let i = from; i < to; i++) {
    const row = logits + <usize>(i - from) * bytes;
    const a = x + <usize>i * stride;
    const b = y + <usize>i * stride;
    let s = f32x4.splat(0);
    for (let c: usize = 0; c < stride; c += 16) s = f32x4.add(s, f32x4.mul(v128.load(a + c), v128.load(b + c)));
    const positive = sum4(s) * inverse;
    const own = i32x4.splat(load<i32>(positives + ((<usize>i) << 2)));
    let most = f32x4.splat(positive);
    for (let c: usize = 0; c < bytes; c += 16) {
      const same = i32x4.eq(v128.load(negatives + c), own);
      const value = v128.bitselect(f32x4.splat(-1e30), f32x4.mul(t, v128.load(row + c)), same);
      v128.store(row + c, value);
      most = f32x4.max(most, value);
    }
    const high = max(
      max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
      max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
    );
    const top = f32x4.splat(high);
    let sum = f32x4.splat(0);
    for (let c: usize = 0; c < bytes; c += 16) {
      const e = exp4(f32x4.sub(v128.load(row + c), top));
      v128.store(row + c, e);
      sum = f32x4.add(sum, e);
    }
    const rest = sum4(sum);
    const total = rest + NativeMathf.exp(positive - high);
    loss += <f64>(NativeMathf.log(total) + high - positive);
    const factor = (weight * inverse) / total;
    const f = f32x4.splat(factor);
    for (let c: usize = 0; c < bytes; c += 16) v128.store(row + c, f32x4.mul(f, v128.load(row + c)));
    store<f32>(pull + ((<usize>(i - from)) << 2), factor * rest);
  }
  return loss;
}

/**
 * Gradients of pairs [from, to): on entry gx [to - from, d] holds the negatives' part, sum of probability * negative. Leaves in gradX and gradY
 * [pairs, d] the gradients by the vectors before they were scaled to length 1 (lengths 1: not scaled).
 */
export function pairGradients(
  x: usize,
  y: usize,
  d: i32,
  from: i32,
  to: i32,
  gx: usize,
  pull: usize,
  xLengths: usize,
  yLengths: usize,
  gradX: usize,
  gradY: usize,
  unit: i32,
): void {
  const stride = (<usize>d) << 2;
  for (let i = from; i < to; i++) {
    const a = x + <usize>i * stride;
    const b = y + <usize>i * stride;
    const g = gx + <usize>(i - from) * stride;
    const p = f32x4.splat(load<f32>(pull + ((<usize>(i - from)) << 2)));
    for (let c: usize = 0; c < stride; c += 16) {
      v128.store(gradX + <usize>i * stride + c, f32x4.sub(v128.load(g + c), f32x4.mul(p, v128.load(b + c))));
      v128.store(gradY + <usize>i * stride + c, f32x4.neg(f32x4.mul(p, v128.load(a + c))));
    }
    if (unit) {
      unscale(gradX + <usize>i * stride, a, load<f32>(xLengths + ((<usize>i) << 2)), stride);
      unscale(gradY + <usize>i * stride, b, load<f32>(yLengths + ((<usize>i) << 2)), stride);
    }
  }
}

/** The gradient by z from that by its direction u = z/|z|: (g - <g, u> u)/|z|, in place. */
function unscale(g: usize, u: usize, length: f32, stride: usize): void {
  let s = f32x4.splat(0);
  for (let c: usize = 0; c < stride; c += 16) s = f32x4.add(s, f32x4.mul(v128.load(g + c), v128.load(u + c)));
  const along = f32x4.splat(sum4(s));
  const f = f32x4.splat(1 / length);
  for (let c: usize = 0; c < stride; c += 16) {
    v128.store(g + c, f32x4.mul(f, f32x4.sub(v128.load(g + c), f32x4.mul(along, v128.load(u + c)))));
  }
}

/** `unscale` over rows [0, count) of g and u [count, d]. */
export function unscaleRows(g: usize, u: usize, lengths: usize, count: i32, d: i32): void {
  const stride = (<usize>d) << 2;
  for (let i = 0; i < count; i++) {
    unscale(g + <usize>i * stride, u + <usize>i * stride, load<f32>(lengths + ((<usize>i) << 2)), stride);
  }
}

/** y[rows[i]] += x[i] for i in [0, count). */
export function scatterRows(rows: usize, count: i32, x: usize, y: usize, d: i32): void {
  const stride = (<usize>d) << 2;
  for (let i = 0; i < count; i++) {
    const to = y + <usize>load<i32>(rows + ((<usize>i) << 2)) * stride;
    const from = x + <usize>i * stride;
    for (let c: usize = 0; c < stride; c += 16) v128.store(to + c, f32x4.add(v128.load(to + c), v128.load(from + c)));
  }
}
