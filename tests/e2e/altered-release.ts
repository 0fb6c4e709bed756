/** Copies of a release that differ in one thing: other numbers, or a fault that must be refused. */

import { createHash } from "node:crypto";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import type { Tensor } from "#libs/release/part.ts";
import { decodeTensors, encodeTensors } from "#libs/release/tensor-file.ts";
import { tensorFileName } from "#libs/release/write-part.ts";

export interface AlteredRelease {
  readonly id: string;
  readonly folder: string;
  manifest(change: (manifest: ReleaseManifest) => ReleaseManifest): Promise<void>;
  /** Changes the arrays of a part; sums and sizes of the manifest follow, as if it had been made so. */
  tensors(part: string, change: (arrays: Map<string, Tensor>) => void): Promise<void>;
  /** Turns one bit of a part's arrays; the manifest stays. */
  flipBit(part: string): Promise<void>;
  removeFile(part: string): Promise<void>;
}

/** Copies the release `from` of `home` under another id. It is not promoted. */
export async function copyRelease(home: string, from: string, id: string): Promise<AlteredRelease> {
  const folder = join(home, "releases", id);
  await cp(join(home, "releases", from), folder, { recursive: true });
  const manifestPath = join(folder, "manifest.json");
  const manifest: AlteredRelease["manifest"] = async (change) => {
    const before = JSON.parse(await readFile(manifestPath, "utf8")) as ReleaseManifest;
    await writeFile(manifestPath, JSON.stringify(change(before)));
  };
  await manifest((before) => ({ ...before, id, parent: from }));
  const fileOf = (part: string): string => join(folder, part, tensorFileName);
  return {
    id,
    folder,
    manifest,
    tensors: async (part, change) => {
      const arrays = decodeTensors(new Uint8Array(await readFile(fileOf(part))), part);
      change(arrays);
      const bytes = Buffer.concat(encodeTensors(arrays));
      await writeFile(fileOf(part), bytes);
      const file = { name: tensorFileName, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
      await manifest((before) => withFile(before, part, file));
    },
    flipBit: async (part) => {
      const bytes = await readFile(fileOf(part));
      bytes[bytes.length - 100]! ^= 1;
      await writeFile(fileOf(part), bytes);
    },
    removeFile: (part) => rm(fileOf(part)),
  };
}

type ManifestFile = ReleaseManifest["parts"][string]["files"][number];

function withFile(manifest: ReleaseManifest, part: string, file: ManifestFile): ReleaseManifest {
  const files = manifest.parts[part]!.files.map((known) => (known.name === file.name ? file : known));
  return { ...manifest, parts: { ...manifest.parts, [part]: { files } } };
}
