/** A release part in memory: what a source's fit writes, its load reads. Files of libraries go to a temporary folder. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, ModisteError } from "#libs/core/errors.ts";
import type { PartReader, PartWriter, Tensor } from "#libs/release/part.ts";

export interface MemoryPart extends PartWriter {
  reader(): PartReader;
  /** Removes the folder behind `path`, if there is one. */
  dispose(): void;
}

/** Reads give copies, as a file would; reals must be finite. */
export function createMemoryPart(name = "part"): MemoryPart {
  const arrays = new Map<string, Tensor>();
  const lists = new Map<string, string[]>();
  let document: string | undefined;
  let folder: string | undefined;
  const path = (fileName: string): string => {
    folder ??= mkdtempSync(join(tmpdir(), "modiste-part-"));
    return join(folder, fileName);
  };
  return {
    tensors: (given) => {
      for (const [key, array] of Object.entries(given)) {
        assert(!arrays.has(key), `memory part: tensor ${key} written twice`);
        arrays.set(key, array.slice());
      }
    },
    strings: (key, values) => {
      assert(!lists.has(key), `memory part: strings ${key} written twice`);
      lists.set(key, [...values]);
    },
    meta: (value) => {
      assert(document === undefined, "memory part: meta written twice");
      document = JSON.stringify(value);
    },
    path,
    dispose: () => {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
    reader: () => {
      const damaged = (key: string, what: string): ModisteError =>
        new ModisteError("data_loss", "part_damaged", `memory release, part ${name}, ${key}: ${what}`);
      const read = <Kind extends Tensor>(kind: new (length: number) => Kind, key: string, length: number | undefined): Kind => {
        const array = arrays.get(key);
        if (!(array instanceof kind)) throw damaged(key, array === undefined ? "missing" : `is a ${array.constructor.name}`);
        if (length !== undefined && array.length !== length) throw damaged(key, `has length ${array.length}, not ${length}`);
        if (!array.every(Number.isFinite)) throw damaged(key, "is not finite");
        return array.slice() as Kind;
      };
      return {
        release: "memory",
        part: name,
        float32: (key, length) => read<Float32Array>(Float32Array, key, length),
        float64: (key, length) => read<Float64Array>(Float64Array, key, length),
        int32: (key, length) => read<Int32Array>(Int32Array, key, length),
        uint32: (key, length) => read<Uint32Array>(Uint32Array, key, length),
        uint8: (key, length) => read<Uint8Array>(Uint8Array, key, length),
        strings: (key) => {
          const list = lists.get(key);
          if (list === undefined) throw damaged(key, "missing");
          return [...list];
        },
        meta: () => JSON.parse(document ?? "{}") as Record<string, unknown>,
        path,
      };
    },
  };
}
