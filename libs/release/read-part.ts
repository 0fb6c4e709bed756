/** Reads one part of a release: every sum, shape and number is checked before the first array is handed out. */

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ModisteError } from "#libs/core/errors.ts";
import type { ReleaseFile } from "./manifest.ts";
import type { PartReader, Tensor } from "./part.ts";
import { decodeTensors } from "./tensor-file.ts";
import { metaFileName, sha256File, stringBytesSuffix, stringOffsetsSuffix, tensorFileName } from "./write-part.ts";

/** Bytes hashed between two turns of the event loop: below 1 ms with SHA extensions. */
const chunkBytes = 1 << 20;
/** Numbers checked between two turns of the event loop: about 1 ms. */
const chunkNumbers = 1 << 19;

interface PartLocation {
  readonly release: string;
  readonly part: string;
  readonly folder: string;
  readonly files: readonly ReleaseFile[];
}

const lost = (at: PartLocation, reason: string, what: string, cause?: unknown): ModisteError =>
  new ModisteError("data_loss", reason, `release ${at.release}, part ${at.part}: ${what}`, { cause });

async function readVerified(at: PartLocation, file: ReleaseFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(file.bytes);
  const hash = createHash("sha256");
  const handle = await open(join(at.folder, file.name)).catch((cause: unknown) => {
    throw lost(at, "release_file_missing", `${file.name} cannot be opened`, cause);
  });
  try {
    const { size } = await handle.stat();
    if (size !== file.bytes) throw lost(at, "release_file_size", `${file.name} has ${size} bytes, the manifest says ${file.bytes}`);
    for (let done = 0; done < file.bytes; ) {
      const { bytesRead } = await handle.read(bytes, done, Math.min(chunkBytes, file.bytes - done), done);
      if (bytesRead === 0) throw lost(at, "release_file_size", `${file.name} ended after ${done} bytes`);
      hash.update(bytes.subarray(done, done + bytesRead));
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
  if (hash.digest("hex") !== file.sha256) throw lost(at, "release_sum", `${file.name} does not have the SHA-256 of the manifest`);
  return bytes;
}

async function checkFinite(at: PartLocation, arrays: ReadonlyMap<string, Tensor>): Promise<void> {
  for (const [name, array] of arrays) {
    if (!(array instanceof Float32Array || array instanceof Float64Array)) continue;
    for (let from = 0; from < array.length; from += chunkNumbers) {
      const to = Math.min(array.length, from + chunkNumbers);
      for (let i = from; i < to; i++) {
        if (!Number.isFinite(array[i])) throw lost(at, "release_not_finite", `${name}[${i}] is ${array[i]}`);
      }
      await nextTurn();
    }
  }
}

interface VerifiedPart {
  readonly arrays: ReadonlyMap<string, Tensor>;
  readonly meta: Readonly<Record<string, unknown>>;
}

async function verify(at: PartLocation): Promise<VerifiedPart> {
  let arrays: ReadonlyMap<string, Tensor> = new Map();
  let meta: Readonly<Record<string, unknown>> = {};
  for (const file of at.files) {
    if (file.name === tensorFileName) {
      arrays = decodeTensors(await readVerified(at, file), `release ${at.release}, part ${at.part}`);
    } else if (file.name === metaFileName) {
      meta = JSON.parse(Buffer.from(await readVerified(at, file)).toString("utf8"));
    } else {
      const sum = await sha256File(join(at.folder, file.name)).catch((cause: unknown) => {
        throw lost(at, "release_file_missing", `${file.name} cannot be read`, cause);
      });
      if (sum !== file.sha256) throw lost(at, "release_sum", `${file.name} does not have the SHA-256 of the manifest`);
    }
  }
  await checkFinite(at, arrays);
  return { arrays, meta };
}

function unpackStrings(at: PartLocation, name: string, bytes: Uint8Array, offsets: Uint32Array): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Array<string>(Math.max(0, offsets.length - 1));
  for (let i = 0; i < values.length; i++) {
    if (offsets[i]! > offsets[i + 1]! || offsets[i + 1]! > bytes.length)
      throw lost(at, "tensor_shape", `strings ${name}: offset ${i} is out of order`);
    values[i] = buffer.toString("utf8", offsets[i], offsets[i + 1]);
  }
  return values;
}

/** Opens a part whose files were listed by the manifest. Throws `data_loss` naming what is wrong; never blocks the event loop for long. */
export async function openPart(at: PartLocation): Promise<PartReader> {
  const { arrays, meta } = await verify(at);
  const array = <T extends Tensor>(name: string, type: new (length: number) => T, length?: number): T => {
    const found = arrays.get(name);
    if (found === undefined) throw lost(at, "tensor_missing", `array ${name} is missing`);
    if (!(found instanceof type)) throw lost(at, "tensor_type", `array ${name} is a ${found.constructor.name}, expected ${type.name}`);
    if (length !== undefined && found.length !== length) {
      throw lost(at, "tensor_shape", `array ${name} has ${found.length} numbers, expected ${length}`);
    }
    return found;
  };
  return {
    release: at.release,
    part: at.part,
    float32: (name, length) => array(name, Float32Array, length),
    float64: (name, length) => array(name, Float64Array, length),
    int32: (name, length) => array(name, Int32Array, length),
    uint32: (name, length) => array(name, Uint32Array, length),
    uint8: (name, length) => array(name, Uint8Array, length),
    strings: (name, length) => {
      const offsets = array(name + stringOffsetsSuffix, Uint32Array, length === undefined ? undefined : length + 1);
      return unpackStrings(at, name, array(name + stringBytesSuffix, Uint8Array), offsets);
    },
    meta: () => meta,
    path: (fileName) => join(at.folder, fileName),
  };
}
