/** The little of protocol buffers that writing an ONNX file takes: fields by number, in the order in which they are given. */

/** A field's bytes, key included. */
export type Field = Uint8Array;

const join = (parts: readonly Uint8Array[]): Uint8Array => {
  const result = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
};

/** Whole numbers; negative ones as their 64-bit two's complement, which takes ten bytes. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

// Wire types, the low three bits of a key.
const [varintType, bytesType, fixed32Type] = [0, 2, 5];
const key = (field: number, wire: number): Uint8Array => varint(field * 8 + wire);

export const integerField = (field: number, value: number): Field => join([key(field, varintType), varint(value)]);
export const bytesField = (field: number, value: Uint8Array): Field => join([key(field, bytesType), varint(value.length), value]);
export const textField = (field: number, value: string): Field => bytesField(field, new TextEncoder().encode(value));
export const messageField = (field: number, fields: readonly Field[]): Field => bytesField(field, join(fields));
export const message = (fields: readonly Field[]): Uint8Array => join(fields);
/** Repeated whole numbers, packed. */
export const integersField = (field: number, values: readonly number[]): Field => bytesField(field, join(values.map(varint)));

export function floatField(field: number, value: number): Field {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return join([key(field, fixed32Type), bytes]);
}
