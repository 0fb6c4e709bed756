// AssemblyScript, not TypeScript: compiled by libs/sparse/build-kernels.ts to build/dense.wasm (SIMD, imported shared memory).
// All pointers are byte offsets of f32 tiles [64, 64], row-major, 16 KiB each. Wrapper: libs/sparse/dense.ts.

const ROW: usize = 256;

/** out = out * keep - sign * a b, for keep 0 or 1: four rows by eight columns at a time stay in registers. */
export function tileProduct(a: usize, b: usize, out: usize, sign: f32, keep: bool): void {
  const s = f32x4.splat(sign);
  for (let i: usize = 0; i < 64; i += 4) {
    const a0 = a + i * ROW;
    const o0 = out + i * ROW;
    for (let j: usize = 0; j < ROW; j += 32) {
      let c00 = f32x4.splat(0),
        c01 = c00,
        c10 = c00,
        c11 = c00,
        c20 = c00,
        c21 = c00,
        c30 = c00,
        c31 = c00;
      let p = b + j;
      for (let k: usize = 0; k < 256; k += 4) {
        const b0 = v128.load(p);
        const b1 = v128.load(p, 16);
        const x0 = v128.load32_splat(a0 + k);
        const x1 = v128.load32_splat(a0 + k, 256);
        c00 = f32x4.add(c00, f32x4.mul(x0, b0));
        c01 = f32x4.add(c01, f32x4.mul(x0, b1));
        c10 = f32x4.add(c10, f32x4.mul(x1, b0));
        c11 = f32x4.add(c11, f32x4.mul(x1, b1));
        const x2 = v128.load32_splat(a0 + k, 512);
        const x3 = v128.load32_splat(a0 + k, 768);
        c20 = f32x4.add(c20, f32x4.mul(x2, b0));
        c21 = f32x4.add(c21, f32x4.mul(x2, b1));
        c30 = f32x4.add(c30, f32x4.mul(x3, b0));
        c31 = f32x4.add(c31, f32x4.mul(x3, b1));
        p += ROW;
      }
      const o = o0 + j;
      store2(o, c00, c01, s, keep);
      store2(o + ROW, c10, c11, s, keep);
      store2(o + 2 * ROW, c20, c21, s, keep);
      store2(o + 3 * ROW, c30, c31, s, keep);
    }
  }
}

function store2(o: usize, c0: v128, c1: v128, s: v128, keep: bool): void {
  if (keep) {
    v128.store(o, f32x4.sub(v128.load(o), f32x4.mul(s, c0)));
    v128.store(o, f32x4.sub(v128.load(o, 16), f32x4.mul(s, c1)), 16);
  } else {
    v128.store(o, f32x4.sub(f32x4.splat(0), f32x4.mul(s, c0)));
    v128.store(o, f32x4.sub(f32x4.splat(0), f32x4.mul(s, c1)), 16);
  }
}

/** out = aᵀ */
export function tileTranspose(a: usize, out: usize): void {
  for (let i: usize = 0; i < 64; i++) {
    for (let j: usize = 0; j < 64; j++) store<f32>(out + j * ROW + (i << 2), load<f32>(a + i * ROW + (j << 2)));
  }
}
