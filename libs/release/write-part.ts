/** Writes one part of a release into a folder. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { assert } from "#libs/core/errors.ts";
import type { ReleaseFile } from "./manifest.ts";
import type { PartWriter, Tensor } from "./part.ts";
import { encodeTensors } from "./tensor-file.ts";

export const tensorFileName = "arrays.safetensors";
export const metaFileName = "meta.json";
/** Suffixes of the two arrays that hold a list of strings. */
export const stringBytesSuffix = "#utf8";
export const stringOffsetsSuffix = "#offsets";

export interface OpenPartWriter extends PartWriter {
  /** Writes what was added, syncs it to disk and answers the files with their sums. */
  finish(): Promise<ReleaseFile[]>;
}

function packStrings(values: readonly string[]): { bytes: Uint8Array; offsets: Uint32Array } {
  const offsets = new Uint32Array(values.length + 1);
  const encoded = values.map((value) => Buffer.from(value, "utf8"));
  encoded.forEach((bytes, i) => {
    offsets[i + 1] = offsets[i]! + bytes.length;
  });
  return { bytes: new Uint8Array(Buffer.concat(encoded)), offsets };
}

/** SHA-256 of a file, hexadecimal. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function writeChunks(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const handle = await open(path, "w");
  try {
    for (const chunk of chunks) await handle.write(chunk);
  } finally {
    await handle.close();
  }
}

/** Also for files that a library wrote by itself. */
async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Opens a writer for the part in `folder`, which is made. */
export async function createPartWriter(folder: string): Promise<OpenPartWriter> {
  await mkdir(folder, { recursive: true });
  const arrays = new Map<string, Tensor>();
  let document: Readonly<Record<string, unknown>> | null = null;
  const add = (name: string, array: Tensor): void => {
    assert(!arrays.has(name), `array ${name} is added twice to ${basename(folder)}`);
    arrays.set(name, array);
  };
  return {
    tensors: (named) => {
      for (const [name, array] of Object.entries(named)) add(name, array);
    },
    strings: (name, values) => {
      const { bytes, offsets } = packStrings(values);
      add(name + stringBytesSuffix, bytes);
      add(name + stringOffsetsSuffix, offsets);
    },
    meta: (value) => {
      assert(document === null, `meta of ${basename(folder)} is written twice`);
      document = value;
    },
    path: (fileName) => join(folder, fileName),
    finish: async () => {
      await writeChunks(join(folder, tensorFileName), encodeTensors(arrays));
      await writeFile(join(folder, metaFileName), `${JSON.stringify(document ?? {}, null, 2)}\n`);
      const files: ReleaseFile[] = [];
      for (const name of (await readdir(folder)).sort()) {
        const path = join(folder, name);
        await syncFile(path);
        files.push({ name, bytes: (await stat(path)).size, sha256: await sha256File(path) });
      }
      return files;
    },
  };
}
