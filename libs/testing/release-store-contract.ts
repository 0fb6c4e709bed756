/** What every store of releases must do, wherever it keeps them. */

import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ReleaseManifest, releaseFormat } from "#libs/release/manifest.ts";
import type { ReleaseDraft, ReleaseStore, WrittenParts } from "#libs/release/store.ts";
import { tensorFileName } from "#libs/release/write-part.ts";

/** A store with the bare files or objects beneath it, by their paths: "r1/manifest.json". */
export interface OpenReleaseStore {
  readonly store: ReleaseStore;
  /** Another process on another machine that uses the same store. */
  readonly elsewhere: ReleaseStore;
  /** What stands at the top, sorted. */
  names(): Promise<string[]>;
  get(path: string): Promise<Buffer>;
  put(path: string, bytes: string | Uint8Array): Promise<void>;
  drop(path: string): Promise<void>;
  remove(): Promise<void>;
}

export const describing =
  (id: string) =>
  (parts: WrittenParts): ReleaseManifest => ({
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

/** A draft with one part, for `finish(describing(id))`. */
export async function draftRelease(store: ReleaseStore, id: string, weights = Float32Array.of(1, 2, 3)): Promise<ReleaseDraft> {
  const draft = await store.create(id);
  await draft.writePart("model", async (part) => {
    part.tensors({ weights, counts: Uint32Array.of(1, 2) });
    part.strings("ids", ["a", "", "ü€😀"]);
    part.meta({ made: "by hand" });
    await writeFile(part.path("extra.bin"), "made by a library");
  });
  return draft;
}

export async function writeRelease(store: ReleaseStore, id: string, weights?: Float32Array<ArrayBuffer>): Promise<ReleaseManifest> {
  return (await draftRelease(store, id, weights)).finish(describing(id));
}

interface Refusal {
  readonly what: string;
  readonly reason: string;
  readonly says: string;
  /** Breaks a good release where it lies, or answers the manifest to read it by. */
  readonly broken: (manifest: ReleaseManifest, at: OpenReleaseStore) => Promise<ReleaseManifest>;
}

const tensors = `r1/model/${tensorFileName}`;

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
    says: tensorFileName,
    broken: async (manifest, at) => {
      await at.drop(tensors);
      return manifest;
    },
  },
  {
    what: "a longer file",
    reason: "release_file_size",
    says: "the manifest says",
    broken: async (manifest, at) => {
      await at.put(tensors, Buffer.concat([await at.get(tensors), Buffer.from("x")]));
      return manifest;
    },
  },
  {
    what: "a shorter file",
    reason: "release_file_size",
    says: "the manifest says",
    broken: async (manifest, at) => {
      await at.put(tensors, (await at.get(tensors)).subarray(1));
      return manifest;
    },
  },
  {
    what: "a changed byte",
    reason: "release_sum",
    says: "does not have the SHA-256",
    broken: async (manifest, at) => {
      const bytes = await at.get(tensors);
      bytes[bytes.length - 1]! ^= 1;
      await at.put(tensors, bytes);
      return manifest;
    },
  },
  {
    what: "a changed file of a library",
    reason: "release_sum",
    says: "extra.bin",
    broken: async (manifest, at) => {
      await at.put("r1/model/extra.bin", "made by somebody!");
      return manifest;
    },
  },
  {
    what: "a sum that is not the file's",
    reason: "release_sum",
    says: "meta.json",
    broken: async (manifest) => ({
      ...manifest,
      parts: {
        model: {
          files: manifest.parts.model!.files.map((file) => (file.name === "meta.json" ? { ...file, sha256: "0".repeat(64) } : file)),
        },
      },
    }),
  },
];

export function releaseStoreContract(adapter: string, open: () => Promise<OpenReleaseStore>): void {
  let at: OpenReleaseStore;
  let store: ReleaseStore;
  beforeEach(async () => {
    at = await open();
    store = at.store;
  });
  afterEach(() => at.remove());

  describe(`a release in ${adapter}`, () => {
    it("is read back as it was written, here and elsewhere", async () => {
      const manifest = await writeRelease(store, "r1");
      for (const reader of [store, at.elsewhere]) {
        expect(await reader.manifest("r1")).toEqual(manifest);
        const part = await reader.part(manifest, "model");
        expect([...part.float32("weights", 3)]).toEqual([1, 2, 3]);
        expect(part.strings("ids", 3)).toEqual(["a", "", "ü€😀"]);
        expect(part.meta()).toEqual({ made: "by hand" });
        expect(await readFile(part.path("extra.bin"), "utf8")).toBe("made by a library");
      }
    });

    it("is seen by nobody before it is finished, and serves nobody before it is promoted", async () => {
      const draft = await draftRelease(store, "r1");
      expect([...(await draft.readPart("model")).float32("weights")]).toEqual([1, 2, 3]);
      expect(await store.list()).toEqual([]);
      await expect(store.manifest("r1")).rejects.toMatchObject({ code: "not_found", reason: "release_missing" });
      await expect(store.promote("r1")).rejects.toMatchObject({ reason: "release_missing" });
      await draft.finish(describing("r1"));
      expect(await at.elsewhere.list()).toEqual(["r1"]);
      expect(await store.current()).toBeNull();
      await store.promote("r1");
      expect(await store.current()).toBe("r1");
      expect(await at.elsewhere.current()).toBe("r1");
    });

    it("leaves nothing behind when its draft is discarded or made again", async () => {
      const killed = await store.create("r1");
      await killed.writePart("half", async (part) => part.tensors({ a: Float32Array.of(1) }));
      await writeRelease(store, "r1");
      expect(Object.keys((await store.manifest("r1")).parts)).toEqual(["model"]);
      const discarded = await draftRelease(store, "r2");
      await discarded.discard();
      expect(await at.names()).toEqual(["r1"]);
    });

    it("is written once: another of its id is refused and changes nothing", async () => {
      const first = await writeRelease(store, "r1");
      const second = await draftRelease(at.elsewhere, "r1", Float32Array.of(9));
      await expect(second.finish(describing("r1"))).rejects.toMatchObject({ code: "already_exists", reason: "release_exists" });
      await second.discard();
      expect(await store.manifest("r1")).toEqual(first);
      expect([...(await at.elsewhere.part(first, "model")).float32("weights")]).toEqual([1, 2, 3]);
    });

    it("is promoted atomically: whoever looks sees one name or the other, always whole", async () => {
      for (const id of ["r1", "r2"]) await writeRelease(store, id);
      await store.promote("r1");
      let promoting = true;
      const seen = new Set<string | null>();
      const looking = (async () => {
        while (promoting) seen.add(await at.elsewhere.current());
      })();
      for (let i = 0; i < 20; i++) await store.promote(i % 2 === 0 ? "r2" : "r1");
      promoting = false;
      await looking;
      expect([...seen].sort()).toEqual(["r1", "r2"]);
      expect((await at.names()).filter((name) => !name.startsWith("changes"))).toEqual(["current", "r1", "r2"]);
    });

    it("is promoted and taken back in an order that everybody reads alike", async () => {
      for (const id of ["r1", "r2"]) await writeRelease(store, id);
      expect(await store.changes()).toEqual([]);
      await store.promote("r1");
      await at.elsewhere.promote("r2");
      await store.promote("r1", "rollback");
      const changes = [
        { release: "r1", change: "promote", from: null },
        { release: "r2", change: "promote", from: "r1" },
        { release: "r1", change: "rollback", from: "r2" },
      ];
      expect(await store.changes()).toMatchObject(changes);
      expect(await at.elsewhere.changes()).toMatchObject(changes);
    });

    it("keeps its parts when the decision on it is written", async () => {
      const manifest = await writeRelease(store, "r1");
      const promotion = { decision: "refused", reasons: ["too small"], watched: {} } as const;
      const amended = await store.amend("r1", { ...promotion, reasons: [...promotion.reasons] });
      expect(amended).toEqual({ ...manifest, promotion });
      expect(await at.elsewhere.manifest("r1")).toEqual(amended);
      expect((await at.elsewhere.part(amended, "model")).meta()).toEqual({ made: "by hand" });
    });

    it("is named by ids only: no path leaves the store, and nothing that stands beside releases is one", async () => {
      for (const id of ["../r1", "a/b", "", ".hidden", "x".repeat(200), "current", "changes"]) {
        await expect(store.manifest(id)).rejects.toMatchObject({ reason: "release_id" });
        await expect(store.create(id)).rejects.toMatchObject({ reason: "release_id" });
      }
    });

    it("is not served when `current` names none", async () => {
      await at.put("current", "../../etc\n");
      await expect(store.current()).rejects.toMatchObject({ code: "data_loss", reason: "current_broken" });
      await at.put("current", "\n");
      expect(await store.current()).toBeNull();
    });
  });

  describe(`a part in ${adapter} is refused, naming release, part and fault:`, () => {
    it.each(refusals)("$what", async ({ reason, says, broken }) => {
      const manifest = await broken(await writeRelease(store, "r1"), at);
      const refused = store.part(manifest, "model");
      await expect(refused).rejects.toMatchObject({ code: "data_loss", reason });
      await expect(refused).rejects.toThrow("release r1");
      await expect(refused).rejects.toThrow(says);
    });

    it.each([Number.NaN, Number.POSITIVE_INFINITY])("a weight that is %s", async (bad) => {
      const manifest = await writeRelease(store, "r1", Float32Array.of(1, bad, 3));
      await expect(store.part(manifest, "model")).rejects.toMatchObject({
        reason: "release_not_finite",
        message: expect.stringContaining("weights[1]"),
      });
    });

    it("arrays that are missing, of another type, of another length", async () => {
      const part = await store.part(await writeRelease(store, "r1"), "model");
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

  describe(`a manifest in ${adapter} is refused, naming release and fault:`, () => {
    const path = "r1/manifest.json";
    const rewrite = async (change: (manifest: Record<string, unknown>) => unknown): Promise<void> =>
      at.put(path, JSON.stringify(change(JSON.parse((await at.get(path)).toString()) as Record<string, unknown>)));

    it("text that is no JSON", async () => {
      await writeRelease(store, "r1");
      await at.put(path, "{");
      await expect(store.manifest("r1")).rejects.toMatchObject({ code: "data_loss", reason: "manifest_broken" });
    });

    it("a newer format, whatever else it holds", async () => {
      await writeRelease(store, "r1");
      await rewrite(() => ({ format: releaseFormat + 1, shape: "unknown" }));
      await expect(store.manifest("r1")).rejects.toMatchObject({ code: "failed_precondition", reason: "release_format_newer" });
      await expect(store.promote("r1")).rejects.toMatchObject({ reason: "release_format_newer" });
      expect(await store.current()).toBeNull();
    });

    it("a field that is missing or another release's manifest", async () => {
      await writeRelease(store, "r1");
      await rewrite(({ golden: _, ...manifest }) => manifest);
      await expect(store.manifest("r1")).rejects.toThrow("golden");
      await rewrite((manifest) => ({ ...manifest, golden: [], id: "r2" }));
      await expect(store.manifest("r1")).rejects.toThrow("r2");
    });

    it.each(["../../escaped", "a/b", "..", ""])("a file or a part by the name of %j, which would lead out of its folder", async (name) => {
      await writeRelease(store, "r1");
      const file = { name, bytes: 1, sha256: "0".repeat(64) };
      await rewrite((manifest) => ({ ...manifest, parts: { model: { files: [file] } } }));
      await expect(store.manifest("r1")).rejects.toMatchObject({ code: "data_loss", reason: "manifest_broken" });
      await rewrite((manifest) => ({ ...manifest, parts: { [name]: { files: [] } } }));
      await expect(store.manifest("r1")).rejects.toMatchObject({ code: "data_loss", reason: "manifest_broken" });
    });
  });
}
