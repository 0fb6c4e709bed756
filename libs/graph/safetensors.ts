/**
 * Named arrays in one file, as other tools read and write them: 8 bytes of header length, a JSON header, the data without holes.
 * Source: https://github.com/huggingface/safetensors, section Format.
 */

import { invalid, ModisteError } from "#libs/core/errors.ts";

const types = { F64: Float64Array, I64: BigInt64Array, F32: Float32Array, I32: Int32Array, U32: Uint32Array, U8: Uint8Array } as const;
type Dtype = keyof typeof types;

export type SafetensorValues = Float32Array | Int32Array | Uint32Array | Float64Array | Uint8Array | BigInt64Array;

export interface Safetensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: SafetensorValues;
}

export interface SafetensorFile {
  readonly tensors: Readonly<Record<string, Safetensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own limit on the header. */
const headerBytesMax = 100_000_000;
const metadataKey = "__metadata__";
/** The data starts at a multiple of a cache line, and so of the widest element: arrays are views and no copies. */
const alignment = 64;

const dtypeOf = (values: SafetensorValues): Dtype => (Object.keys(types) as Dtype[]).find((dtype) => values instanceof types[dtype])!;
const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * The chunks of a file, in order; the arrays' own bytes, not copied. Wide elements come first: so all are aligned, and there are no holes. Throws
 * `invalid_argument` when a shape does not fit its values.
 */
export function safetensorChunks(
  tensors: Iterable<readonly [string, Safetensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const entries = [...tensors].sort(([, a], [, b]) => b.values.BYTES_PER_ELEMENT - a.values.BYTES_PER_ELEMENT);
  // Pairs, not an object literal: a tensor named "__proto__" would become its prototype and be lost.
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [[metadataKey, metadata]] : [];
  let dataBytes = 0;
  for (const [name, { shape, values }] of entries) {
    if (name === metadataKey) throw invalid(name, "the format keeps this name for itself");
    if (!shape.every(isSize) || countOf(shape) !== values.length)
      throw invalid(name, `${values.length} values do not fit [${shape.join(", ")}]`);
    header.push([name, { dtype: dtypeOf(values), shape, data_offsets: [dataBytes, dataBytes + values.byteLength] }]);
    dataBytes += values.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headBytes = Math.ceil((8 + json.length) / alignment) * alignment;
  const head = new Uint8Array(headBytes).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headBytes - 8), true);
  head.set(json, 8);
  return [head, ...entries.map(([, { values }]) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength))];
}

/** The same in one array. */
export function writeSafetensors(
  tensors: Readonly<Record<string, Safetensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const chunks = safetensorChunks(Object.entries(tensors), metadata);
  const result = new Uint8Array(chunks.reduce((bytes, chunk) => bytes + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    result.set(chunk, at);
    at += chunk.length;
  }
  return result;
}

export interface ReadOptions {
  /** Stands before every complaint. */
  readonly where?: string;
  /** Bytes between arrays that belong to none: the format has none, files of ours once had. */
  readonly holes?: "refused" | "allowed";
}

type Broken = (what: string, cause?: unknown) => ModisteError;

const brokenIn =
  (where: string): Broken =>
  (what, cause) =>
    new ModisteError("data_loss", "safetensors_broken", `${where}: ${what}`, cause === undefined ? {} : { cause });

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** The header, and where the data starts. */
function readHeader(bytes: Uint8Array, broken: Broken): { readonly header: Record<string, unknown>; readonly start: number } {
  if (bytes.length < 8) throw broken(`${bytes.length} bytes are too few for a header`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (length > headerBytesMax || length > bytes.length - 8) throw broken(`the header claims ${length} bytes, the file has ${bytes.length}`);
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)));
    if (isRecord(header)) return { header, start: 8 + length };
  } catch (cause) {
    throw broken("the header is not JSON", cause);
  }
  throw broken("the header is not an object");
}

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

function readEntry(name: string, value: unknown, broken: Broken): Entry {
  const bad = (what: string) => broken(`tensor "${name}": ${what}: it does not fit its file`);
  if (!isRecord(value)) throw bad("its entry is not an object");
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(types, dtype))
    throw bad(`the type ${JSON.stringify(dtype)} is not one of ${Object.keys(types).join(", ")}`);
  if (!Array.isArray(shape) || !shape.every(isSize)) throw bad(`the shape ${JSON.stringify(shape)} is not a list of sizes`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    throw bad(`the offsets ${JSON.stringify(offsets)} are not two of them`);
  const [from, to] = offsets as [number, number];
  const expected = countOf(shape) * types[dtype as Dtype].BYTES_PER_ELEMENT;
  if (to - from !== expected) throw bad(`${dtype} [${shape.join(", ")}] takes ${expected} bytes, its offsets give ${to - from}`);
  return { name, dtype: dtype as Dtype, shape, from, to };
}

/** Entries in the order of the data, which they must cover without overlaps, and without holes unless those are allowed. */
function checkCover(entries: readonly Entry[], dataBytes: number, holes: "refused" | "allowed", broken: Broken): void {
  let at = 0;
  for (const { name, from, to } of entries.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (holes === "allowed" ? from < at : from !== at)
      throw broken(
        `tensor "${name}": starts at ${from}, ${from < at ? "inside the tensor before it, which ends" : "after a hole from"} ${at}`,
      );
    if (to > dataBytes) throw broken(`tensor "${name}": ends at ${to}, the data has ${dataBytes} bytes: it does not fit its file`);
    at = to;
  }
  if (holes === "refused" && at !== dataBytes) throw broken(`${dataBytes - at} bytes after the last tensor belong to none`);
}

function readMetadata(value: unknown, broken: Broken): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (isRecord(value) && Object.values(value).every((text) => typeof text === "string")) return value as Record<string, string>;
  throw broken(`${metadataKey} is not an object of texts`);
}

/**
 * The arrays of a file: views into `bytes` where its place in memory allows, else copies. Throws `data_loss` naming the tensor for any
 * header, offset, size or type that is not right.
 */
export function readSafetensors(bytes: Uint8Array, { where = "safetensors file", holes = "refused" }: ReadOptions = {}): SafetensorFile {
  const broken = brokenIn(where);
  const { header, start } = readHeader(bytes, broken);
  const entries = Object.entries(header).flatMap(([name, value]) => (name === metadataKey ? [] : [readEntry(name, value, broken)]));
  checkCover(entries, bytes.length - start, holes, broken);
  const tensors = entries.map(({ name, dtype, shape, from, to }): [string, Safetensor] => {
    const type = types[dtype];
    const data = bytes.subarray(start + from, start + to);
    const aligned = data.byteOffset % type.BYTES_PER_ELEMENT === 0 ? data : data.slice();
    return [name, { shape, values: new type(aligned.buffer as ArrayBuffer, aligned.byteOffset, countOf(shape)) }];
  });
  return { tensors: Object.fromEntries(tensors), metadata: readMetadata(header[metadataKey], broken) };
}
