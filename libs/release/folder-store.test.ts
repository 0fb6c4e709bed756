import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { releaseStoreContract, writeRelease } from "#libs/testing/release-store-contract.ts";
import { openFolderStore } from "./folder-store.ts";

releaseStoreContract("a folder", async () => {
  const root = await mkdtemp(join(tmpdir(), "modiste-store-"));
  return {
    store: openFolderStore(root),
    elsewhere: openFolderStore(root),
    names: async () => (await readdir(root)).filter((name) => !name.startsWith(".draft-")).sort(),
    get: (path) => readFile(join(root, path)),
    put: (path, bytes) => writeFile(join(root, path), bytes),
    drop: (path) => rm(join(root, path)),
    remove: () => rm(root, { recursive: true, force: true }),
  };
});

describe("a folder of releases", () => {
  it("that is not there yet has none; one that cannot be read says so, as a fault of the store", async () => {
    const root = await mkdtemp(join(tmpdir(), "modiste-store-"));
    try {
      const missing = openFolderStore(join(root, "none"));
      expect(await missing.current()).toBeNull();
      expect(await missing.list()).toEqual([]);
      await writeFile(join(root, "file"), "no folder");
      await expect(openFolderStore(join(root, "file")).current()).rejects.toMatchObject({
        code: "unavailable",
        reason: "store_unreachable",
      });
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });

  it("is only read by who looks, lists and loads: it may be mounted so", async () => {
    const root = await mkdtemp(join(tmpdir(), "modiste-store-"));
    try {
      const manifest = await writeRelease(openFolderStore(root), "r1");
      await openFolderStore(root).promote("r1");
      await chmod(root, 0o555);
      const before = await readdir(root, { recursive: true });
      const store = openFolderStore(root);
      expect(await store.current()).toBe("r1");
      expect(await store.list()).toEqual(["r1"]);
      expect((await store.part(manifest, "model")).meta()).toEqual({ made: "by hand" });
      expect(await readdir(root, { recursive: true })).toEqual(before);
    } finally {
      await chmod(root, 0o755);
      await rm(root, { recursive: true, force: true });
    }
  });
});
