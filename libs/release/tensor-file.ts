/** Named typed arrays of a release's part in one safetensors file, so that other tools can read them. */

import { ModisteError } from "#libs/core/errors.ts";
import { readSafetensors, safetensorChunks } from "#libs/graph/safetensors.ts";
import type { Tensor } from "./part.ts";

/** The chunks of the file, in order; typed array views are not copied. Arrays are flat: shapes stand in the part's meta.json where they matter. */
export function encodeTensors(arrays: ReadonlyMap<string, Tensor>): Uint8Array[] {
  return safetensorChunks([...arrays].map(([name, values]) => [name, { shape: [values.length], values }] as const));
}

/** Views into `bytes`, by name. Throws `data_loss` naming `where` when an entry does not fit the file. Releases once had holes between arrays. */
export function decodeTensors(bytes: Uint8Array, where: string): Map<string, Tensor> {
  const { tensors } = readSafetensors(bytes, { where, holes: "allowed" });
  return new Map(
    Object.entries(tensors).map(([name, { values }]) => {
      if (values instanceof BigInt64Array)
        throw new ModisteError("data_loss", "tensor_type", `${where}: array ${name} has 64-bit integers, which no part has`);
      return [name, values];
    }),
  );
}
