// AssemblyScript, not TypeScript: compiled by libs/sparse/build-kernels.ts to build/sparse.wasm (SIMD, imported shared memory).
// All pointers are byte offsets; matrices are row-major f32 [rows, d] with d a multiple of 4. References in plain TypeScript: reference.ts.

import { siftDown, siftUp } from "./heap";

function sum4(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

function dot(a: usize, b: usize, d: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let c = 0;
  const bytes = d << 2;
  for (; c + 32 <= bytes; c += 32) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a + c), v128.load(b + c)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(a + c + 16), v128.load(b + c + 16)));
  }
  for (; c < bytes; c += 16) s0 = f32x4.add(s0, f32x4.mul(v128.load(a + c), v128.load(b + c)));
  return sum4(f32x4.add(s0, s1));
}

function axpy(factor: f32, x: usize, y: usize, d: i32): void {
  const f = f32x4.splat(factor);
  const bytes = d << 2;
  for (let c = 0; c < bytes; c += 16) v128.store(y + c, f32x4.add(v128.load(y + c), f32x4.mul(f, v128.load(x + c))));
}

/** y[r] = b[r] + sum over the stored entries of row r of value * x[column], for r in [from, to); b = 0 stands for no addend. */
export function spmm(offsets: usize, indices: usize, values: usize, x: usize, b: usize, y: usize, d: i32, from: i32, to: i32): void {
  const stride = (<usize>d) << 2;
  for (let row = from; row < to; row++) {
    const start = <usize>load<i32>(offsets + ((<usize>row) << 2));
    const end = <usize>load<i32>(offsets + ((<usize>row) << 2), 4);
    const out = y + <usize>row * stride;
    const add = b + <usize>row * stride;
    let c: usize = 0;
    for (; c + 128 <= stride; c += 128) {
      let a0 = f32x4.splat(0),
        a1 = a0,
        a2 = a0,
        a3 = a0,
        a4 = a0,
        a5 = a0,
        a6 = a0,
        a7 = a0;
      if (b != 0) {
        const p = add + c;
        a0 = v128.load(p);
        a1 = v128.load(p, 16);
        a2 = v128.load(p, 32);
        a3 = v128.load(p, 48);
        a4 = v128.load(p, 64);
        a5 = v128.load(p, 80);
        a6 = v128.load(p, 96);
        a7 = v128.load(p, 112);
      }
      for (let e = start; e < end; e++) {
        const f = f32x4.splat(load<f32>(values + (e << 2)));
        const p = x + <usize>load<i32>(indices + (e << 2)) * stride + c;
        a0 = f32x4.add(a0, f32x4.mul(f, v128.load(p)));
        a1 = f32x4.add(a1, f32x4.mul(f, v128.load(p, 16)));
        a2 = f32x4.add(a2, f32x4.mul(f, v128.load(p, 32)));
        a3 = f32x4.add(a3, f32x4.mul(f, v128.load(p, 48)));
        a4 = f32x4.add(a4, f32x4.mul(f, v128.load(p, 64)));
        a5 = f32x4.add(a5, f32x4.mul(f, v128.load(p, 80)));
        a6 = f32x4.add(a6, f32x4.mul(f, v128.load(p, 96)));
        a7 = f32x4.add(a7, f32x4.mul(f, v128.load(p, 112)));
      }
      const q = out + c;
      v128.store(q, a0);
      v128.store(q, a1, 16);
      v128.store(q, a2, 32);
      v128.store(q, a3, 48);
      v128.store(q, a4, 64);
      v128.store(q, a5, 80);
      v128.store(q, a6, 96);
      v128.store(q, a7, 112);
    }
    for (; c < stride; c += 16) {
      let a = b != 0 ? v128.load(add + c) : f32x4.splat(0);
      for (let e = start; e < end; e++) {
        const p = x + <usize>load<i32>(indices + (e << 2)) * stride + c;
        a = f32x4.add(a, f32x4.mul(f32x4.splat(load<f32>(values + (e << 2))), v128.load(p)));
      }
      v128.store(out + c, a);
    }
  }
}

/** scores[i] = weight * <query, matrix[row]>, row = rows[i] or i where rows = 0; with keepMax the larger of it and what stood there. */
export function dotScan(query: usize, matrix: usize, rows: usize, count: i32, d: i32, weight: f32, scores: usize, keepMax: i32): void {
  const stride = (<usize>d) << 2;
  for (let i = 0; i < count; i++) {
    const row = rows != 0 ? <usize>load<i32>(rows + ((<usize>i) << 2)) : <usize>i;
    let score = weight * dot(query, matrix + row * stride, d);
    const at = scores + ((<usize>i) << 2);
    if (keepMax) score = max(score, load<f32>(at));
    store<f32>(at, score);
  }
}

/**
 * The k rows with the largest dot product, as a heap (worst first) in topScores and topIds; returns how many were found.
 * Ties go to the lower row. mask = 0: every row; else only rows with mask[row] = 1. rows = 0: all `count` rows; else those listed, ascending.
 */
export function dotTopK(
  query: usize,
  matrix: usize,
  rows: usize,
  mask: usize,
  count: i32,
  d: i32,
  k: i32,
  topScores: usize,
  topIds: usize,
): i32 {
  const stride = (<usize>d) << 2;
  let size = 0;
  let threshold: f32 = -Infinity;
  for (let i = 0; i < count; i++) {
    const row = rows != 0 ? load<i32>(rows + ((<usize>i) << 2)) : i;
    const score = dot(query, matrix + <usize>row * stride, d);
    if (size == k && !(score > threshold)) continue;
    if (mask != 0 && load<u8>(mask + <usize>row) == 0) continue;
    if (size < k) {
      store<f32>(topScores + ((<usize>size) << 2), score);
      store<i32>(topIds + ((<usize>size) << 2), row);
      siftUp(topScores, topIds, size);
      size++;
    } else {
      store<f32>(topScores, score);
      store<i32>(topIds, row);
      siftDown(topScores, topIds, size);
    }
    if (size == k) threshold = load<f32>(topScores);
  }
  return size;
}

/**
 * BPR over triples [from, to): loss = -ln sigmoid(s), s = scale * <z_u, z_p - z_n>; adds `weight` * dloss/dz to grad. Returns the summed loss.
 * The three columns hold rows of z and grad, both [nodes, d].
 */
export function bpr(
  users: usize,
  positives: usize,
  negatives: usize,
  from: i32,
  to: i32,
  z: usize,
  grad: usize,
  d: i32,
  scale: f32,
  weight: f32,
): f64 {
  const stride = (<usize>d) << 2;
  const bytes = d << 2;
  let loss: f64 = 0;
  for (let t = from; t < to; t++) {
    const at = (<usize>t) << 2;
    const u = <usize>load<i32>(users + at) * stride;
    const p = <usize>load<i32>(positives + at) * stride;
    const n = <usize>load<i32>(negatives + at) * stride;
    const s = scale * (dot(z + u, z + p, d) - dot(z + u, z + n, d));
    const tail = NativeMathf.exp(-abs(s));
    loss += <f64>(NativeMathf.log1p(tail) + max(-s, <f32>0));
    const wrong: f32 = s >= 0 ? tail / (1 + tail) : 1 / (1 + tail);
    const f = f32x4.splat(-wrong * scale * weight);
    for (let c = 0; c < bytes; c += 16) {
      const zu = v128.load(z + u + c);
      const zp = v128.load(z + p + c);
      const zn = v128.load(z + n + c);
      const step = f32x4.mul(f, zu);
      v128.store(grad + u + c, f32x4.add(v128.load(grad + u + c), f32x4.mul(f, f32x4.sub(zp, zn))));
      v128.store(grad + p + c, f32x4.add(v128.load(grad + p + c), step));
      v128.store(grad + n + c, f32x4.sub(v128.load(grad + n + c), step));
    }
  }
  return loss;
}

/** y[row] += factor * x[row] for each listed row, once per listing. */
export function addRows(rows: usize, count: i32, x: usize, y: usize, d: i32, factor: f32): void {
  const stride = (<usize>d) << 2;
  for (let i = 0; i < count; i++) {
    const at = <usize>load<i32>(rows + ((<usize>i) << 2)) * stride;
    axpy(factor, x + at, y + at, d);
  }
}

/** Adam on values [from, to), both multiples of 4; `rate` carries the bias correction of both moments. */
export function adam(w: usize, g: usize, m: usize, v: usize, from: i32, to: i32, rate: f32, beta1: f32, beta2: f32, epsilon: f32): void {
  const b1 = f32x4.splat(beta1);
  const c1 = f32x4.splat(1 - beta1);
  const b2 = f32x4.splat(beta2);
  const c2 = f32x4.splat(1 - beta2);
  const e = f32x4.splat(epsilon);
  const r = f32x4.splat(rate);
  const end = (<usize>to) << 2;
  for (let at = (<usize>from) << 2; at < end; at += 16) {
    const grad = v128.load(g + at);
    const first = f32x4.add(f32x4.mul(b1, v128.load(m + at)), f32x4.mul(c1, grad));
    const second = f32x4.add(f32x4.mul(b2, v128.load(v + at)), f32x4.mul(c2, f32x4.mul(grad, grad)));
    v128.store(m + at, first);
    v128.store(v + at, second);
    const step = f32x4.div(f32x4.mul(r, first), f32x4.add(f32x4.sqrt(second), e));
    v128.store(w + at, f32x4.sub(v128.load(w + at), step));
  }
}

/** out[i, j] += sum over rows [from, to) of x[row, i] * x[row, j]; x is [rows, d], out [d, d]. Call with few hundred rows: sums are 32 bits. */
export function gram(x: usize, d: i32, from: i32, to: i32, out: usize): void {
  const stride = (<usize>d) << 2;
  for (let row = from; row < to; row++) {
    const at = x + <usize>row * stride;
    for (let i = 0; i < d; i++) axpy(load<f32>(at + ((<usize>i) << 2)), at, out + <usize>i * stride, d);
  }
}

/** y[row] = x[row] w for rows [from, to); x is [rows, d], w [d, k], y [rows, k]; k a multiple of 4. */
export function multiplyDense(x: usize, w: usize, y: usize, d: i32, k: i32, from: i32, to: i32): void {
  const inStride = (<usize>d) << 2;
  const outStride = (<usize>k) << 2;
  for (let row = from; row < to; row++) {
    const out = y + <usize>row * outStride;
    memory.fill(out, 0, outStride);
    for (let i = 0; i < d; i++) axpy(load<f32>(x + <usize>row * inStride + ((<usize>i) << 2)), w + <usize>i * outStride, out, k);
  }
}

export * from "./blocks";
export * from "./embedding";
