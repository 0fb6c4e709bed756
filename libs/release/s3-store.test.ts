import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { describing, draftRelease, releaseStoreContract, writeRelease } from "#libs/testing/release-store-contract.ts";
import { createTestBucket, openWire, overS3, type TestBucket, type Wire } from "#libs/testing/s3-servers.ts";
import { isReleaseLocation, openReleaseStore } from "./open-store.ts";
import { releaseBefore } from "./rollback.ts";
import { openS3Store } from "./s3-store.ts";
import type { ReleaseStore } from "./store.ts";

overS3((settings) => {
  let bucket: TestBucket;
  let places = 0;
  beforeAll(async () => {
    bucket = await createTestBucket(settings);
  });
  afterAll(() => bucket.close());

  const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), "modiste-s3-"));

  releaseStoreContract("S3", async () => {
    const prefix = `shop/${places++}`;
    const [here, there] = await Promise.all([temporary(), temporary()]);
    const keys = async (): Promise<string[]> => (await bucket.keys()).filter((key) => key.startsWith(`${prefix}/`));
    return {
      store: openS3Store({ ...settings, bucket: bucket.name, prefix, cacheFolder: here }),
      elsewhere: openReleaseStore({ location: `s3://${bucket.name}/${prefix}`, s3: settings, cacheFolder: there }),
      names: async () => [...new Set((await keys()).map((key) => key.slice(prefix.length + 1).split("/")[0]!))].sort(),
      get: (path) => bucket.get(`${prefix}/${path}`),
      put: (path, bytes) => bucket.put(`${prefix}/${path}`, bytes),
      drop: (path) => bucket.drop(`${prefix}/${path}`),
      remove: async () => {
        for (const folder of [here, there]) await rm(folder, { recursive: true, force: true });
      },
    };
  });

  describe("releases in S3", () => {
    let wire: Wire;
    let cacheFolder: string;
    let prefix: string;
    let store: ReleaseStore;
    const open = (more: Partial<Parameters<typeof openS3Store>[0]> = {}): ReleaseStore =>
      openS3Store({ ...settings, bucket: bucket.name, prefix, cacheFolder, endpoint: wire.endpoint, ...more });
    /** Folder of the one store in the cache. */
    const cached = async (): Promise<string> => join(cacheFolder, (await readdir(cacheFolder))[0]!);
    beforeEach(async () => {
      wire = await openWire(settings.endpoint);
      cacheFolder = await temporary();
      prefix = `own/${places++}`;
      store = open();
    });
    afterEach(async () => {
      await wire.close();
      await rm(cacheFolder, { recursive: true, force: true });
    });

    it("of two that promote at once, one serves, the other is told, and a rollback knows what was", async () => {
      for (const id of ["r1", "r2", "r3"]) await writeRelease(store, id);
      await store.promote("r1");
      const others = [open(), open()];
      // Both have read that r1 serves when they write.
      const results = await Promise.allSettled([others[0]!.promote("r2"), others[1]!.promote("r3")]);
      const served = await store.current();
      const refused = results.filter(({ status }) => status === "rejected");
      for (const result of refused) expect(result).toMatchObject({ reason: { code: "aborted", reason: "promoted_meanwhile" } });
      // Where one had ended before the other began, both are promoted, one after the other.
      expect(await releaseBefore(store)).toBe(refused.length === 1 ? "r1" : served === "r2" ? "r3" : "r2");
    });

    it("are not promoted over a change that came between the look and the write", async () => {
      for (const id of ["r1", "r2", "r3"]) await writeRelease(store, id);
      await store.promote("r1");
      const { held, release } = wire.hold(/^PUT .*current/);
      const promoting = expect(store.promote("r2")).rejects.toMatchObject({ code: "aborted", reason: "promoted_meanwhile" });
      await held;
      await openS3Store({ ...settings, bucket: bucket.name, prefix, cacheFolder }).promote("r3");
      release();
      await promoting;
      expect(await store.current()).toBe("r3");
      expect((await store.changes()).map(({ release: id }) => id)).toEqual(["r1", "r3"]);
      expect(await releaseBefore(store)).toBe("r1");
    });

    it("are looked at by their tag: what has not changed is not sent again", async () => {
      await writeRelease(store, "r1");
      await store.promote("r1");
      expect(await store.current()).toBe("r1");
      const before = wire.requests.length;
      for (let looks = 0; looks < 3; looks++) expect(await store.current()).toBe("r1");
      expect(wire.requests.length - before).toBe(3);
      await writeRelease(open(), "r2");
      await open().promote("r2");
      expect(await store.current()).toBe("r2");
    });

    it("are fetched once and read from this machine after that, also by the next process", async () => {
      const manifest = await writeRelease(store, "r1");
      await store.part(manifest, "model");
      const before = wire.requests.length;
      wire.cut();
      expect((await store.part(manifest, "model")).meta()).toEqual({ made: "by hand" });
      expect((await open().part(manifest, "model")).meta()).toEqual({ made: "by hand" });
      expect(wire.requests.length).toBe(before);
    });

    it("are fetched again where this machine's copy is damaged", async () => {
      const manifest = await writeRelease(store, "r1");
      const part = await store.part(manifest, "model");
      await writeFile(part.path("extra.bin"), "made by somebody!");
      expect((await store.part(manifest, "model")).meta()).toEqual({ made: "by hand" });
      expect(await readFile(part.path("extra.bin"), "utf8")).toBe("made by a library");
    });

    it("are fetched by several at once as by one, and never half", async () => {
      const manifest = await writeRelease(store, "r1");
      const stores = [store, store, open(), open()];
      const parts = await Promise.all(stores.map((each) => each.part(manifest, "model")));
      for (const part of parts) expect([...part.float32("weights")]).toEqual([1, 2, 3]);
      expect(await readdir(await cached())).toEqual(["r1"]);
    });

    it("leave nothing half made where the download breaks off, and say that the store is at fault, not the release", async () => {
      const weights = new Float32Array(200_000).fill(1);
      const manifest = await writeRelease(store, "r1", weights);
      wire.stall(100_000);
      const broken = expect(store.part(manifest, "model")).rejects.toMatchObject({ code: "unavailable", reason: "store_unreachable" });
      await delay(200);
      wire.cut();
      await broken;
      expect(await readdir(join(await cached(), "r1"))).toEqual([]);
      expect((await readdir(await cached())).filter((name) => name.startsWith("."))).toEqual([]);
      wire.mend();
      expect((await store.part(manifest, "model")).float32("weights", 200_000)[1]).toBe(1);
    });

    it("are given up when nothing comes for a while", { timeout: 60_000 }, async () => {
      const manifest = await writeRelease(store, "r1", new Float32Array(200_000));
      wire.stall(100_000);
      await expect(store.part(manifest, "model")).rejects.toMatchObject({ reason: "store_unreachable" });
    });

    it("take no more of this machine than the releases of now, others when they have rested", async () => {
      for (const id of ["r1", "r2", "r3", "r4", "r5"]) {
        const manifest = await writeRelease(store, id);
        await store.part(manifest, "model");
        const old = Date.now() / 1000 - 3600;
        if (id < "r3") await utimes(join(await cached(), id), old, old);
      }
      expect(await readdir(await cached())).toEqual(["r3", "r4", "r5"]);
    });

    it("leave no old drafts of killed downloads", async () => {
      const manifest = await writeRelease(store, "r1");
      const draft = join(await cached(), ".draft-r0-model-ffff");
      await mkdir(draft, { recursive: true });
      const old = Date.now() / 1000 - 7200;
      await utimes(draft, old, old);
      await store.part(manifest, "model");
      expect(await readdir(await cached())).toEqual(["r1"]);
    });

    it("say so where the cache folder cannot be written", async () => {
      const manifest = await writeRelease(store, "r1");
      const file = join(cacheFolder, "a-file");
      await writeFile(file, "no folder");
      await expect(open({ cacheFolder: file }).part(manifest, "model")).rejects.toMatchObject({
        code: "failed_precondition",
        reason: "cache_folder",
        message: expect.stringContaining("release r1, part model"),
      });
    });

    it("of many megabytes go up in pieces and come back whole", async () => {
      const weights = Float32Array.from({ length: 10_000_000 }, (_, i) => i);
      const manifest = await writeRelease(store, "r1", weights);
      expect(wire.requests.filter((line) => /^PUT .*partNumber=/.test(line)).length).toBe(3);
      const read = await open({ cacheFolder: join(cacheFolder, "other") }).part(manifest, "model");
      expect(read.float32("weights", weights.length)[9_999_999]).toBe(9_999_999);
      expect((await stat(read.path("arrays.safetensors"))).size).toBeGreaterThan(40_000_000);
    });

    it("are removed with their objects when the upload fails on the way", async () => {
      const draft = await draftRelease(store, "r1");
      wire.cut();
      await expect(draft.finish(describing("r1"))).rejects.toMatchObject({ reason: "store_unreachable" });
      wire.mend();
      await draft.discard();
      expect((await bucket.keys()).filter((key) => key.startsWith(prefix))).toEqual([]);
      await writeRelease(store, "r1");
      expect(await store.list()).toEqual(["r1"]);
    });

    describe("say what to mend:", () => {
      it("a bucket that does not exist", async () => {
        await expect(open({ bucket: "modiste-nobody-has-this" }).current()).rejects.toMatchObject({
          code: "failed_precondition",
          reason: "store_misplaced",
          message: expect.stringMatching(/bucket modiste-nobody-has-this at http.* does not exist \(MODISTE_RELEASES\)/),
        });
      });

      it.each([{ accessKeyId: "nobody" }, { secretAccessKey: "wrong" }])("credentials that are refused: %o", async (wrong) => {
        await expect(open({ credentials: { ...settings.credentials, ...wrong } }).current()).rejects.toMatchObject({
          reason: "store_refused",
          message: expect.stringContaining("MODISTE_S3_ACCESS_KEY_ID"),
        });
      });

      it("an endpoint where nobody listens, and one that has no address", async () => {
        for (const [endpoint, says] of [
          ["http://127.0.0.1:1", "ECONNREFUSED"],
          ["http://no-such-host.invalid", "ENOTFOUND|EAI_AGAIN"],
        ] as const) {
          await expect(open({ endpoint }).current()).rejects.toMatchObject({
            code: "unavailable",
            reason: "store_unreachable",
            message: expect.stringMatching(new RegExp(`${endpoint}.*(${says})`)),
          });
        }
      });

      it.each([
        [404, "<html>not found</html>"],
        [503, "busy"],
        [200, "<html>welcome</html>"],
      ] as const)("an endpoint that is no S3: status %i", async (status, body) => {
        const server = createServer((_, response) => void response.writeHead(status, { "content-type": "text/html" }).end(body));
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const address = server.address() as { port: number };
        try {
          const asked = open({ endpoint: `http://127.0.0.1:${address.port}` }).current();
          await expect(asked).rejects.toMatchObject({ reason: status === 200 ? "current_broken" : "store_unreachable" });
        } finally {
          server.close();
          server.closeAllConnections();
        }
      });
    });
  });
});

describe("a location of releases", () => {
  const s3 = { endpoint: undefined, region: undefined, credentials: undefined };
  it.each([
    ["/releases", "/releases", 500],
    ["releases", "releases", 500],
    ["s3://bucket", "s3://bucket", 5000],
    ["s3://bucket/", "s3://bucket", 5000],
    ["s3://my.bucket-1/shop/releases/", "s3://my.bucket-1/shop/releases", 5000],
  ])("%s", (location, named, lookMs) => {
    expect(openReleaseStore({ location, s3, cacheFolder: "unused" })).toMatchObject({ location: named, lookMs });
  });

  it.each(["gs://bucket/releases", "s3://", "s3://UPPER/x", "s3://bucket/a//b", "s3:///x", "https://bucket.example", "file:///releases"])(
    "%s is none",
    (location) => expect(isReleaseLocation(location)).toBe(false),
  );
});
