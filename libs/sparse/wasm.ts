/** The WebAssembly kernels and the memory that they work in. Kernels are synchronous and allocate nothing. */

import { assert } from "#libs/core/errors.ts";
import type { BlockKernels } from "#libs/sparse/block-kernels.ts";
import type { EmbeddingKernels } from "#libs/sparse/embedding-kernels.ts";
import { sparseWasm } from "#libs/sparse/kernels/build/sparse.ts";

/** The bit of the WebAssembly interface used here; Node's types leave it to those of browsers. */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}
interface WasmInterface {
  readonly Memory: new (shape: { initial: number; maximum: number; shared: true }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}
declare const WebAssembly: WasmInterface;

/**
 * Functions of kernels/sparse.ts. Every `number` that names an array is a byte offset into the memory (0: absent, where allowed);
 * matrices are row-major f32 [rows, d], d a multiple of 4. Out-of-range offsets trap or overwrite: call through typed wrappers only.
 */
export interface SparseKernels extends BlockKernels, EmbeddingKernels {
  /** y[r] = b[r] + sum of value * x[column] for rows [from, to). */
  spmm(offsets: number, indices: number, values: number, x: number, b: number, y: number, d: number, from: number, to: number): void;
  /** scores[i] = weight * <query, matrix[rows ? rows[i] : i]>; keepMax 1: the larger of that and scores[i]. */
  dotScan(query: number, matrix: number, rows: number, count: number, d: number, weight: number, scores: number, keepMax: 0 | 1): void;
  /** Heap of the k best rows in topScores and topIds; answers how many. `mask` and `rows` may be 0. */
  dotTopK(
    query: number,
    matrix: number,
    rows: number,
    mask: number,
    count: number,
    d: number,
    k: number,
    topScores: number,
    topIds: number,
  ): number;
  /** Adds BPR gradients of triples [from, to) to `grad`, answers the summed loss. */
  bpr(
    users: number,
    positives: number,
    negatives: number,
    from: number,
    to: number,
    z: number,
    grad: number,
    d: number,
    scale: number,
    weight: number,
  ): number;
  /** y[row] += factor * x[row] for each listed row. */
  addRows(rows: number, count: number, x: number, y: number, d: number, factor: number): void;
  /** out [d, d] += xᵀx over rows [from, to) of x [rows, d]. */
  gram(x: number, d: number, from: number, to: number, out: number): void;
  /** y [rows, k] = x [rows, d] w [d, k] for rows [from, to). */
  multiplyDense(x: number, w: number, y: number, d: number, k: number, from: number, to: number): void;
  /** One Adam step on values [from, to), multiples of 4. */
  adam(w: number, g: number, m: number, v: number, from: number, to: number, rate: number, b1: number, b2: number, epsilon: number): void;
}

/** An instance of the kernels over a memory; one memory may have an instance in every worker. About 1 ms. */
export function openKernels(memory: WasmMemory): SparseKernels {
  const module = new WebAssembly.Module(Buffer.from(sparseWasm, "base64"));
  const instance = new WebAssembly.Instance(module, {
    env: {
      memory,
      abort: () => {
        throw new Error("a kernel aborted");
      },
    },
  });
  return instance.exports as SparseKernels;
}

/** An array inside the memory, and where it starts. */
export interface Block<Values> {
  readonly values: Values;
  /** Byte offset for the kernels. */
  readonly at: number;
}

/** Hands out arrays of zeros from one growing shared memory; they are freed together, with the arena. At most 4 GiB. */
export interface Arena {
  readonly memory: WasmMemory;
  float32(length: number): Block<Float32Array>;
  int32(length: number): Block<Int32Array>;
  uint8(length: number): Block<Uint8Array>;
  /** Copies of arrays that live elsewhere. */
  copyFloat32(values: Float32Array): Block<Float32Array>;
  copyInt32(values: Int32Array): Block<Int32Array>;
}

const pageBytes = 65_536;
/** A cache line, so that two workers' ranges of aligned rows share none. */
const alignmentBytes = 64;

export function createArena(): Arena {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  // What lies below stays unused: offset 0 stands for "absent", and the compiler may keep constants in the first kilobyte.
  let next = 4096;
  const reserve = (bytes: number): number => {
    const at = next;
    next = Math.ceil((at + bytes) / alignmentBytes) * alignmentBytes;
    const missing = Math.ceil((next - memory.buffer.byteLength) / pageBytes);
    if (missing > 0) {
      assert(memory.buffer.byteLength / pageBytes + missing <= 65_536, "arena: more than 4 GiB");
      memory.grow(missing);
    }
    return at;
  };
  const float32 = (length: number): Block<Float32Array> => {
    const at = reserve(length * 4);
    return { values: new Float32Array(memory.buffer, at, length), at };
  };
  const int32 = (length: number): Block<Int32Array> => {
    const at = reserve(length * 4);
    return { values: new Int32Array(memory.buffer, at, length), at };
  };
  return {
    memory,
    float32,
    int32,
    uint8: (length) => {
      const at = reserve(length);
      return { values: new Uint8Array(memory.buffer, at, length), at };
    },
    copyFloat32: (values) => {
      const block = float32(values.length);
      block.values.set(values);
      return block;
    },
    copyInt32: (values) => {
      const block = int32(values.length);
      block.values.set(values);
      return block;
    },
  };
}
