import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tensor } from "./part.ts";
import { decodeTensors, encodeTensors } from "./tensor-file.ts";

const tensor = fc.oneof(
  fc.float32Array({ maxLength: 40 }),
  fc.float64Array({ maxLength: 40 }),
  fc.int32Array({ maxLength: 40 }),
  fc.uint32Array({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }),
) as fc.Arbitrary<Tensor>;

const named = fc.dictionary(fc.string({ minLength: 1, unit: "grapheme" }), tensor, { maxKeys: 6, noNullPrototype: true });

const encode = (arrays: Readonly<Record<string, Tensor>>): Uint8Array =>
  new Uint8Array(Buffer.concat(encodeTensors(new Map(Object.entries(arrays)))));

describe("a tensor file", () => {
  it("gives back what was put in: names, types, every bit", () => {
    fc.assert(
      fc.property(named, (arrays) => {
        expect(Object.fromEntries(decodeTensors(encode(arrays), "test"))).toEqual(arrays);
      }),
    );
  });

  it("keeps an array whose name is that of an object's prototype", () => {
    expect([...decodeTensors(encode({ ["__proto__"]: Int32Array.of(3) }), "test")]).toEqual([["__proto__", Int32Array.of(3)]]);
  });

  it("is laid out as safetensors: length, JSON header, data without holes, aligned", () => {
    const bytes = encode({ b: Uint8Array.of(7), a: Float32Array.of(1, 2, 3), c: Float64Array.of(1) });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect((8 + length) % 64).toBe(0);
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toEqual({
      c: { dtype: "F64", shape: [1], data_offsets: [0, 8] },
      a: { dtype: "F32", shape: [3], data_offsets: [8, 20] },
      b: { dtype: "U8", shape: [1], data_offsets: [20, 21] },
    });
  });

  it("is read as it was written before, with arrays at multiples of 64 bytes", () => {
    const header = JSON.stringify({
      a: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
      b: { dtype: "U8", shape: [1], data_offsets: [64, 65] },
    }).padEnd(120);
    const bytes = new Uint8Array(8 + header.length + 128).fill(7, 192, 193);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(new TextEncoder().encode(header), 8);
    expect(decodeTensors(bytes, "x").get("b")).toEqual(Uint8Array.of(7));
  });

  it("is refused, never misread, when it is cut off anywhere", () => {
    const bytes = encode({ scores: Float64Array.of(1, 2, 3), ids: Int32Array.of(4, 5) });
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => decodeTensors(bytes.slice(0, length), "release r, part p")).toThrow(/^\[data_loss\] release r, part p: /);
    }
  });

  it("is refused when its header lies about type or extent", () => {
    const lie = (entry: object): Uint8Array => {
      const header = JSON.stringify({ a: entry }).padEnd(120);
      const bytes = new Uint8Array(8 + header.length + 16);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
      bytes.set(new TextEncoder().encode(header), 8);
      return bytes;
    };
    const honest = { dtype: "F32", shape: [4], data_offsets: [0, 16] };
    expect(decodeTensors(lie(honest), "x").get("a")).toEqual(new Float32Array(4));
    for (const entry of [
      { ...honest, shape: [5] },
      { ...honest, data_offsets: [0, 20], shape: [5] },
      { ...honest, dtype: "BF16" },
    ]) {
      expect(() => decodeTensors(lie(entry), "x")).toThrow("does not fit its file");
    }
  });
});
