import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSafetensors, type Safetensor, writeSafetensors } from "./safetensors.ts";

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
const countOf = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1);
const tensor = fc.tuple(shape, fc.constantFrom("f32", "f64", "i32", "u8", "i64"), fc.integer()).map(([sizes, type, seed]): Safetensor => {
  const numbers = Array.from({ length: countOf(sizes) }, (_, i) => (seed + i * 37) % 256);
  if (type === "f32") return { shape: sizes, values: Float32Array.from(numbers, (value) => value / 7) };
  if (type === "f64") return { shape: sizes, values: Float64Array.from(numbers, (value) => value / 7) };
  if (type === "i32") return { shape: sizes, values: Int32Array.from(numbers) };
  if (type === "u8") return { shape: sizes, values: Uint8Array.from(numbers) };
  return { shape: sizes, values: BigInt64Array.from(numbers, BigInt) };
});
const names = fc.string({ unit: "grapheme", maxLength: 12 }).filter((name) => name !== "__metadata__");

describe("safetensors", () => {
  it("come back as they were, wherever the bytes lie in memory", () => {
    fc.assert(
      fc.property(
        fc.dictionary(names, tensor),
        fc.dictionary(names, fc.string()),
        fc.integer({ min: 0, max: 9 }),
        (tensors, metadata, offset) => {
          const bytes = writeSafetensors(tensors, metadata);
          const moved = new Uint8Array(bytes.length + offset);
          moved.set(bytes, offset);
          const read = readSafetensors(moved.subarray(offset));
          expect(new Map(Object.entries(read.tensors))).toEqual(new Map(Object.entries(tensors)));
          expect(new Map(Object.entries(read.metadata))).toEqual(new Map(Object.entries(metadata)));
        },
      ),
    );
  });

  it("are views, not copies", () => {
    const bytes = writeSafetensors({ a: { shape: [2], values: Float32Array.of(1, 2) } });
    expect(readSafetensors(bytes).tensors.a!.values.buffer).toBe(bytes.buffer);
  });

  it("have the layout of the format's description", () => {
    const bytes = writeSafetensors({ a: { shape: [1, 2], values: Uint8Array.of(7, 9) } }, { by: "us" });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const json = new TextDecoder().decode(bytes.subarray(8, 8 + length));
    expect(JSON.parse(json)).toEqual({ __metadata__: { by: "us" }, a: { dtype: "U8", shape: [1, 2], data_offsets: [0, 2] } });
    expect(json.startsWith("{")).toBe(true);
    expect([...bytes.subarray(8 + length)]).toEqual([7, 9]);
  });

  const file = (header: unknown, dataBytes: number): Uint8Array => {
    const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
    const bytes = new Uint8Array(8 + json.length + dataBytes);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(json, 8);
    return bytes;
  };
  const a = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  const broken: readonly (readonly [string, Uint8Array, string])[] = [
    ["too short", new Uint8Array(7), "7 bytes are too few"],
    ["a header longer than the file", new Uint8Array(8).fill(255), "the header claims"],
    ["no JSON", file("{", 0), "not JSON"],
    ["bytes that are no UTF-8", file("", 0).fill(1, 0, 1).fill(0, 1), "the header"],
    ["a list", file([], 0), "not an object"],
    ["an unknown type", file({ a: { ...a, dtype: "F8" } }, 8), 'tensor "a": the type "F8"'],
    ["a type of Object's own", file({ a: { ...a, dtype: "constructor" } }, 8), 'tensor "a": the type'],
    ["a negative size", file({ a: { ...a, shape: [-2] } }, 8), 'tensor "a": the shape [-2]'],
    ["a size that is no number", file({ a: { ...a, shape: ["2"] } }, 8), 'tensor "a": the shape'],
    ["one offset", file({ a: { ...a, data_offsets: [0] } }, 8), 'tensor "a": the offsets [0]'],
    ["offsets that give another size", file({ a: { ...a, shape: [3] } }, 8), 'tensor "a": F32 [3] takes 12 bytes, its offsets give 8'],
    ["an end outside of the data", file({ a }, 4), 'tensor "a": ends at 8, the data has 4'],
    ["an overlap", file({ a, b: { ...a, data_offsets: [4, 12] } }, 12), 'tensor "b": starts at 4, inside the tensor before it'],
    ["a hole", file({ a, b: { ...a, data_offsets: [12, 20] } }, 20), 'tensor "b": starts at 12, after a hole'],
    ["bytes after the last", file({ a }, 9), "1 bytes after the last tensor"],
    ["metadata that is no text", file({ __metadata__: { x: 1 } }, 0), "__metadata__"],
    ["an entry that is a number", file({ a: 1 }, 0), 'tensor "a": its entry'],
  ];
  it.each(broken)("refuse %s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow("[data_loss] safetensors file");
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  it("refuse or read, and never crash, whatever byte is changed", () => {
    const bytes = writeSafetensors({ a: { shape: [2], values: Float32Array.of(1, 2) }, b: { shape: [3], values: Uint8Array.of(1, 2, 3) } });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (place, value) => {
        const changed = bytes.slice();
        changed[place] = value;
        try {
          readSafetensors(changed);
        } catch (error) {
          expect(error).toMatchObject({ name: "ModisteError", code: "data_loss" });
        }
      }),
      { numRuns: 500 },
    );
  });

  it("cannot be written with a shape that does not fit", () => {
    expect(() => writeSafetensors({ a: { shape: [3], values: Float32Array.of(1) } })).toThrow(
      "[invalid_argument] a: 1 values do not fit [3]",
    );
  });
});
