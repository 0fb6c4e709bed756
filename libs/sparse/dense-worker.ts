/** The heavy steps of inverting a dense symmetric matrix, by ranges of tile rows, for the pool. */

import { denseWasm } from "#libs/sparse/kernels/build/dense.ts";
import type { WasmMemory } from "#libs/sparse/wasm.ts";

/** The bit of the WebAssembly interface used here; Node's types leave it to those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** Functions of kernels/dense.ts; numbers that name tiles are byte offsets. */
interface DenseKernels {
  /** out = (keep ? out : 0) - sign * a b. */
  tileProduct(a: number, b: number, out: number, sign: number, keep: 0 | 1): void;
  tileTranspose(a: number, out: number): void;
}

/** Byte offsets; tiles of 16 KiB. */
export interface DenseInput {
  readonly memory: WasmMemory;
  readonly blocks: number;
  /** The lower triangle. */
  readonly tiles: number;
  /** Transposed tiles of the pivot's column, [blocks]. */
  readonly columns: number;
  /** The pivot's column times the pivot's inverse, [blocks]. */
  readonly products: number;
  /** The inverse of the pivot's tile. */
  readonly pivot: number;
}

/** Tile rows [from, to) of the sweep of a block: "panel" must be done for all rows before "update" begins. */
export interface DenseTask {
  readonly kind: "panel" | "update";
  readonly block: number;
  readonly from: number;
  readonly to: number;
}

const tileBytes = 16_384;

export function open(input: DenseInput): (task: DenseTask) => undefined {
  const module = new WebAssembly.Module(Buffer.from(denseWasm, "base64"));
  const kernels = new WebAssembly.Instance(module, { env: { memory: input.memory } }).exports as DenseKernels;
  const { tiles, columns, products, pivot } = input;
  const tileAt = (row: number, column: number): number => tiles + ((row * (row + 1)) / 2 + column) * tileBytes;
  /** C[row] = A[row, block], its transpose in `columns`; W[row] = C[row] D, in `products`. */
  const panel = (row: number, block: number): void => {
    const column = columns + row * tileBytes;
    const product = products + row * tileBytes;
    if (row < block) {
      const stored = tileAt(block, row);
      new Uint8Array(input.memory.buffer).copyWithin(column, stored, stored + tileBytes);
      // Until `update` writes the row, its own tile may hold the transpose that the product needs.
      kernels.tileTranspose(stored, product);
      new Uint8Array(input.memory.buffer).copyWithin(stored, product, product + tileBytes);
      kernels.tileProduct(stored, pivot, product, -1, 0);
    } else {
      kernels.tileTranspose(tileAt(row, block), column);
      kernels.tileProduct(tileAt(row, block), pivot, product, -1, 0);
    }
  };
  const update = (row: number, block: number): void => {
    const product = products + row * tileBytes;
    for (let column = 0; column <= row; column++) {
      if (column !== block) kernels.tileProduct(product, columns + column * tileBytes, tileAt(row, column), 1, 1);
    }
    if (row < block) kernels.tileTranspose(product, tileAt(block, row));
    else new Uint8Array(input.memory.buffer).copyWithin(tileAt(row, block), product, product + tileBytes);
  };
  return ({ kind, block, from, to }) => {
    for (let row = from; row < to; row++) {
      if (row === block) continue;
      if (kind === "panel") panel(row, block);
      else update(row, block);
    }
    return undefined;
  };
}
