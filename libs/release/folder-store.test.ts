import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFolderStore, type ReleaseStore } from "./folder-store.ts";
import { type ReleaseFile, type ReleaseManifest, releaseFormat } from "./manifest.ts";
import { tensorFileName } from "./write-part.ts";

let root: string;
let store: ReleaseStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "modiste-store-"));
  store = openFolderStore(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const describing =
  (id: string) =>
  (parts: Record<string, { files: ReleaseFile[] }>): ReleaseManifest => ({
    format: releaseFormat,
    id,
    parent: null,
    created_seconds: 1,
    clock_behind_seconds: 0,
    code_version: "test",
    data: { name: "none", fingerprint: "0", end_seconds: 1 },
    feature_hash: "0",
    parts,
    metrics: {},
    promotion: { decision: "first", reasons: [], watched: {} },
    golden: [],
  });

/** A release with one part. */
async function release(id: string, weights = Float32Array.of(1, 2, 3)): Promise<ReleaseManifest> {
  const draft = await store.create(id);
  await draft.writePart("model", async (part) => {
    part.tensors({ weights, counts: Uint32Array.of(1, 2) });
    part.strings("ids", ["a", "", "ü€😀"]);
    part.meta({ made: "by hand" });
    await writeFile(part.path("extra.bin"), "made by a library");
  });
  return draft.finish(describing(id));
}

describe("a release", () => {
  it("is read back as it was written", async () => {
    const part = await store.part(await release("r1"), "model");
    expect([...part.float32("weights", 3)]).toEqual([1, 2, 3]);
    expect(part.strings("ids", 3)).toEqual(["a", "", "ü€😀"]);
    expect(part.meta()).toEqual({ made: "by hand" });
    expect(await readFile(part.path("extra.bin"), "utf8")).toBe("made by a library");
  });

  it("is seen by nobody before it is finished, and serves nobody before it is promoted", async () => {
    const draft = await store.create("r1");
    await draft.writePart("model", async (part) => part.tensors({ a: Float32Array.of(1) }));
    expect(await store.list()).toEqual([]);
    await expect(store.manifest("r1")).rejects.toMatchObject({ code: "not_found", reason: "release_missing" });
    await expect(store.promote("r1")).rejects.toMatchObject({ reason: "release_missing" });
    await draft.finish(describing("r1"));
    expect(await store.list()).toEqual(["r1"]);
    expect(await store.current()).toBeNull();
    await store.promote("r1");
    expect(await store.current()).toBe("r1");
  });

  it("leaves nothing behind when its draft is discarded or made again", async () => {
    const killed = await store.create("r1");
    await killed.writePart("half", async (part) => part.tensors({ a: Float32Array.of(1) }));
    await release("r1");
    expect(Object.keys((await store.manifest("r1")).parts)).toEqual(["model"]);
    const discarded = await store.create("r2");
    await discarded.writePart("model", async (part) => part.tensors({ a: Float32Array.of(1) }));
    await discarded.discard();
    expect(await readdir(root)).toEqual(["r1"]);
  });

  it("is promoted atomically: whoever looks sees one name or the other, always whole", async () => {
    for (const id of ["r1", "r2"]) await release(id);
    await store.promote("r1");
    let promoting = true;
    const seen = new Set<string | null>();
    const looking = (async () => {
      while (promoting) seen.add(await store.current());
    })();
    for (let i = 0; i < 50; i++) await store.promote(i % 2 === 0 ? "r2" : "r1");
    promoting = false;
    await looking;
    expect([...seen].sort()).toEqual(["r1", "r2"]);
    expect((await readdir(root)).sort()).toEqual(["changes.ndjson", "current", "r1", "r2"]);
  });

  it("is named by ids only: no path leaves the folder", async () => {
    for (const id of ["../r1", "a/b", "", ".hidden", "x".repeat(200)]) {
      await expect(store.manifest(id)).rejects.toMatchObject({ reason: "release_id" });
      await expect(store.create(id)).rejects.toMatchObject({ reason: "release_id" });
    }
  });
});

interface Refusal {
  readonly what: string;
  readonly reason: string;
  readonly says: string;
  /** Breaks a good release on disk, or answers the manifest to read it by. */
  readonly broken: (manifest: ReleaseManifest, folder: string) => Promise<ReleaseManifest>;
}

const withFiles = (manifest: ReleaseManifest, change: (file: ReleaseFile) => ReleaseFile): ReleaseManifest => ({
  ...manifest,
  parts: { model: { files: manifest.parts.model!.files.map(change) } },
});

const refusals: readonly Refusal[] = [
  {
    what: "a part that is not listed",
    reason: "part_missing",
    says: "release r1 has no part model",
    broken: async (manifest) => ({ ...manifest, parts: {} }),
  },
  {
    what: "a missing file",
    reason: "release_file_missing",
    says: `${tensorFileName} cannot be opened`,
    broken: async (manifest, folder) => {
      await rm(join(folder, tensorFileName));
      return manifest;
    },
  },
  {
    what: "a longer file",
    reason: "release_file_size",
    says: "the manifest says",
    broken: async (manifest, folder) => {
      await appendFile(join(folder, tensorFileName), "x");
      return manifest;
    },
  },
  {
    what: "a changed byte",
    reason: "release_sum",
    says: "does not have the SHA-256",
    broken: async (manifest, folder) => {
      const path = join(folder, tensorFileName);
      const bytes = await readFile(path);
      bytes[bytes.length - 1]! ^= 1;
      await writeFile(path, bytes);
      return manifest;
    },
  },
  {
    what: "a changed file of a library",
    reason: "release_sum",
    says: "extra.bin",
    broken: async (manifest, folder) => {
      await writeFile(join(folder, "extra.bin"), "made by somebody!");
      return manifest;
    },
  },
  {
    what: "a sum that is not the file's",
    reason: "release_sum",
    says: "meta.json",
    broken: async (manifest) => withFiles(manifest, (file) => (file.name === "meta.json" ? { ...file, sha256: "0".repeat(64) } : file)),
  },
];

describe("a part is refused, naming release, part and fault:", () => {
  it.each(refusals)("$what", async ({ reason, says, broken }) => {
    const manifest = await broken(await release("r1"), join(root, "r1", "model"));
    const refused = store.part(manifest, "model");
    await expect(refused).rejects.toMatchObject({ code: "data_loss", reason });
    await expect(refused).rejects.toThrow("release r1");
    await expect(refused).rejects.toThrow(says);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("a weight that is %s", async (bad) => {
    const manifest = await release("r1", Float32Array.of(1, bad, 3));
    await expect(store.part(manifest, "model")).rejects.toMatchObject({
      reason: "release_not_finite",
      message: expect.stringContaining("weights[1]"),
    });
  });

  it("arrays that are missing, of another type, of another length", async () => {
    const part = await store.part(await release("r1"), "model");
    const reason = (reason: string): object => expect.objectContaining({ code: "data_loss", reason });
    const thrown = (read: () => unknown): unknown => {
      try {
        return read();
      } catch (error) {
        return error;
      }
    };
    expect(thrown(() => part.float32("nothing"))).toEqual(reason("tensor_missing"));
    expect(thrown(() => part.int32("weights"))).toEqual(reason("tensor_type"));
    expect(thrown(() => part.float32("weights", 4))).toEqual(reason("tensor_shape"));
    expect(thrown(() => part.strings("ids", 2))).toEqual(reason("tensor_shape"));
  });
});

describe("a manifest is refused, naming release and fault:", () => {
  const rewrite = async (change: (manifest: Record<string, unknown>) => unknown): Promise<void> => {
    const path = join(root, "r1", "manifest.json");
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>)));
  };

  it("text that is no JSON", async () => {
    await release("r1");
    await writeFile(join(root, "r1", "manifest.json"), "{");
    await expect(store.manifest("r1")).rejects.toMatchObject({ code: "data_loss", reason: "manifest_broken" });
  });

  it("a newer format, whatever else it holds", async () => {
    await release("r1");
    await rewrite(() => ({ format: releaseFormat + 1, shape: "unknown" }));
    await expect(store.manifest("r1")).rejects.toMatchObject({ code: "failed_precondition", reason: "release_format_newer" });
    await expect(store.promote("r1")).rejects.toMatchObject({ reason: "release_format_newer" });
    expect(await store.current()).toBeNull();
  });

  it("a field that is missing or another release's manifest", async () => {
    await release("r1");
    await rewrite(({ golden: _, ...manifest }) => manifest);
    await expect(store.manifest("r1")).rejects.toThrow("golden");
    await rewrite((manifest) => ({ ...manifest, golden: [], id: "r2" }));
    await expect(store.manifest("r1")).rejects.toThrow("r2");
  });
});
