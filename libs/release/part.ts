/** What a model writes into a release and reads back: named typed arrays, a small JSON document, and files of libraries that insist on paths. */

export type Tensor = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

export interface PartWriter {
  /** Adds arrays to the part's tensor file. A name may be used once. */
  tensors(arrays: Readonly<Record<string, Tensor>>): void;
  /** Adds a list of strings (stored as UTF-8 bytes and offsets). A name may be used once. */
  strings(name: string, values: readonly string[]): void;
  /** Settings, counts, figures: small, human readable. Called at most once. */
  meta(document: Readonly<Record<string, unknown>>): void;
  /** Absolute path for a file that a library writes by itself; it is hashed when the part is closed. */
  path(fileName: string): string;
}

/** Every method throws `data_loss` naming release, part and what is wrong: missing, wrong type, wrong length, not finite. */
export interface PartReader {
  readonly release: string;
  readonly part: string;
  /** `length` is checked when given. Floating point arrays are checked to be finite. */
  float32(name: string, length?: number): Float32Array;
  float64(name: string, length?: number): Float64Array;
  int32(name: string, length?: number): Int32Array;
  uint32(name: string, length?: number): Uint32Array;
  uint8(name: string, length?: number): Uint8Array;
  strings(name: string, length?: number): string[];
  meta(): Readonly<Record<string, unknown>>;
  path(fileName: string): string;
}
