/** Named typed arrays in one file, in the safetensors layout (8 bytes of header length, JSON header, data), so that other tools can read them. */

import { ModisteError } from "#libs/core/errors.ts";
import type { Tensor } from "./part.ts";

const dtypes = {
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  U32: Uint32Array,
  U8: Uint8Array,
} as const;

type Dtype = keyof typeof dtypes;

interface Entry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The data starts at a multiple of this many bytes. */
const alignment = 64;

function dtypeOf(array: Tensor): Dtype {
  for (const [name, type] of Object.entries(dtypes)) if (array instanceof type) return name as Dtype;
  throw new ModisteError("internal", "tensor_type", `an array of type ${Object.prototype.toString.call(array)} has no place in a release`);
}

const roundUp = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/**
 * The chunks of the file, in order; typed array views are not copied. Wide elements come first: so all are aligned, views need no copy, and there are no
 * holes, which other readers of the format refuse.
 */
export function encodeTensors(arrays: ReadonlyMap<string, Tensor>): Uint8Array[] {
  // Not an object literal: an array named "__proto__" would become its prototype and be lost.
  const header = new Map<string, Entry>();
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const [name, array] of [...arrays].sort(([, a], [, b]) => b.BYTES_PER_ELEMENT - a.BYTES_PER_ELEMENT)) {
    header.set(name, { dtype: dtypeOf(array), shape: [array.length], data_offsets: [at, at + array.byteLength] });
    chunks.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    at += array.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = roundUp(8 + json.length) - 8;
  const head = new Uint8Array(8 + headerBytes).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerBytes), true);
  head.set(json, 8);
  return [head, ...chunks];
}

function readHeader(bytes: Uint8Array, where: string): { header: Record<string, Entry>; start: number } {
  const bad = (what: string, cause?: unknown) => new ModisteError("data_loss", "tensor_file_broken", `${where}: ${what}`, { cause });
  if (bytes.length < 8) throw bad(`${bytes.length} bytes are too few for a tensor file`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) throw bad(`the header claims ${length} bytes, the file has ${bytes.length}`);
  try {
    return { header: JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))), start: 8 + length };
  } catch (cause) {
    throw bad("the header is not JSON", cause);
  }
}

/** Views into `bytes`, by name. Throws `data_loss` naming `where` when an entry does not fit the file. */
export function decodeTensors(bytes: Uint8Array, where: string): Map<string, Tensor> {
  const { header, start } = readHeader(bytes, where);
  const result = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(header)) {
    const type = dtypes[entry.dtype];
    const [from, to] = entry.data_offsets;
    const count = entry.shape.reduce((product, size) => product * size, 1);
    const fits = type !== undefined && to <= bytes.length - start && to - from === count * type.BYTES_PER_ELEMENT;
    if (!fits)
      throw new ModisteError("data_loss", "tensor_shape", `${where}: array ${name} (${entry.dtype} ${entry.shape}) does not fit its file`);
    result.set(name, new type(bytes.buffer as ArrayBuffer, bytes.byteOffset + start + from, count));
  }
  return result;
}
