/** A fleet over releases in S3: promoted, refused, rolled back and cut off from the bucket, without a restart and without a failed answer. */

import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openS3Store } from "#libs/release/s3-store.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import { startServices } from "#libs/serve/start.ts";
import { createTestBucket, openWire, overS3, type TestBucket, type Wire } from "#libs/testing/s3-servers.ts";
import { fleet } from "../../services/fleet.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { copyRelease } from "./altered-release.ts";
import { type Answer, type RunningShop, runOneProcess } from "./running-shop.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command, in a process of its own, with these variables and no others of modiste. */
function modiste(words: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const { PATH = "" } = process.env;
  const args = ["--import", "tsx", "services/cli/main.ts", ...words];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env: { PATH, ...env }, encoding: "utf8" }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe("wrong settings of the store", () => {
  it("a scheme that nobody knows: the command names the variable and ends with 2", async () => {
    const { code, stderr } = await modiste(["releases", "list"], { MODISTE_RELEASES: "gs://bucket/releases" });
    expect(code).toBe(2);
    expect(stderr).toContain('MODISTE_RELEASES: "gs://bucket/releases" is not a folder, or s3://<bucket>/<prefix>');
  });

  it("half a pair of credentials: a service names the other half and does not start", async () => {
    const env = { MODISTE_RELEASES: "s3://bucket", MODISTE_S3_ACCESS_KEY_ID: "key", MODISTE_RPC_PORT: "0", MODISTE_ADMIN_PORT: "0" };
    const started = startServices(fleet, ["popularity"], { env: { ...env, MODISTE_LOG_LEVEL: "silent" } });
    await expect(started).rejects.toMatchObject({ problems: [{ variable: "MODISTE_S3_SECRET_ACCESS_KEY" }] });
  });
});

overS3((settings) => {
  let shop: TestShop;
  let bucket: TestBucket;
  let wire: Wire;
  let store: ReleaseStore;
  let running: RunningShop;
  let env: Readonly<Record<string, string>>;
  const prefix = "shop/releases";

  /** Services that serve from releases. */
  const followers = fleet.filter(({ kind }) => kind !== "profile").map(({ name }) => name);
  const textOf = async (url: string): Promise<string> => (await fetch(url)).text();
  const metrics = (): Promise<string> => textOf(`${running.url}/metrics`);
  const readiness = async (): Promise<unknown> => JSON.parse(await textOf(`${running.url}/readyz`));
  /** Release by service. */
  const served = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      [...(await metrics()).matchAll(/modiste_release_info\{part="([^"]+)",release="([^"]+)"\} 1/g)].map(([, part, id]) => [part, id]),
    );
  const ask = (): Promise<Answer> => running.post("/v1/recommendations", { user_id: shop.userIds[0], now: 1_600_819_200 });
  /** Looks at a pace that leaves the machine to those who are looked at. */
  const eventually = <T>(look: () => Promise<T>, holds: (seen: T) => void): Promise<T> =>
    vi.waitFor(
      async () => {
        const seen = await look();
        holds(seen);
        return seen;
      },
      { timeout: 90_000, interval: 200 },
    );
  const untilAll = (id: string, but: Readonly<Record<string, string>> = {}): Promise<unknown> =>
    eventually(served, (seen) => expect(seen).toEqual({ ...Object.fromEntries(followers.map((name) => [name, id])), ...but }));

  /** A copy of the shop's release, uploaded as it lies on disk. */
  async function upload(id: string): Promise<void> {
    const folder = join(shop.home, "releases", id);
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      await bucket.put(`${prefix}/${id}/${path.slice(folder.length + 1)}`, await readFile(path));
    }
  }

  beforeAll(async () => {
    shop = await openTestShop();
    bucket = await createTestBucket(settings);
    wire = await openWire(settings.endpoint);
    await upload(shop.release);
    for (const id of ["next", "bad", "later"]) {
      const release = await copyRelease(shop.home, shop.release, id);
      if (id === "bad") await release.flipBit("popularity");
      await upload(id);
    }
    await rm(join(shop.home, "releases"), { recursive: true });
    env = {
      MODISTE_HOME: shop.home,
      MODISTE_RELEASES: `s3://${bucket.name}/${prefix}`,
      MODISTE_S3_ENDPOINT: wire.endpoint,
      MODISTE_S3_ACCESS_KEY_ID: settings.credentials.accessKeyId,
      MODISTE_S3_SECRET_ACCESS_KEY: settings.credentials.secretAccessKey,
    };
    store = openS3Store({ ...settings, bucket: bucket.name, prefix, cacheFolder: join(shop.home, "other-cache") });
    await store.promote(shop.release);
    running = await runOneProcess(shop, { env: { ...env, MODISTE_RELEASE_LOOK_MS: "200" } });
  }, 180_000);

  afterAll(async () => {
    await running?.close();
    await wire?.close();
    bucket?.close();
    await shop?.remove();
  });

  describe("releases of a fleet in S3", { timeout: 120_000 }, () => {
    it("reach every service when they are promoted, without a restart", async () => {
      await untilAll(shop.release);
      expect((await ask()).releases.pinned).toBe(shop.release);
      await store.promote("next");
      await untilAll("next");
      expect((await ask()).releases.pinned).toBe("next");
    });

    it("are refused by name where an object is damaged: that service stays ready on the old one and says so, the others follow", async () => {
      await store.promote("bad");
      await untilAll("bad", { popularity: "next" });
      const refused =
        "popularity: release bad refused: release bad, part popularity: arrays.safetensors does not have the SHA-256 of the manifest";
      await eventually(readiness, (said) => expect(said).toEqual({ status: "ready", remarks: [`${refused}; next serves`] }));
      expect(await metrics()).toContain('modiste_release_refusals_total{part="popularity"} 1');
      expect((await ask()).items.length).toBe(12);
    });

    it("are listed and rolled back by the command, on any machine", async () => {
      const elsewhere = { ...env, MODISTE_HOME: join(shop.home, "elsewhere"), MODISTE_S3_ENDPOINT: settings.endpoint };
      const listed = await modiste(["releases", "list"], elsewhere);
      expect(listed.stdout).toMatch(/bad .*serves/);
      expect(await modiste(["releases", "rollback"], elsewhere)).toMatchObject({ code: 0, stdout: "next serves again\n" });
      await untilAll("next");
      expect(await readiness()).toEqual({ status: "ready" });
      // What was refused is not promoted by the command either.
      const refused = await modiste(["releases", "promote", "bad"], elsewhere);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("release bad, part popularity") });
    });

    it("serve on while the bucket cannot be reached, which the fleet says; what was promoted then is served after", async () => {
      const before = running.logs.length;
      wire.cut();
      const unreachable = expect.stringMatching(/^ranking: s3:\/\/.* cannot be looked at: .* cannot be reached.*; next serves$/);
      await eventually(readiness, (said) => expect(said).toEqual({ status: "ready", remarks: expect.arrayContaining([unreachable]) }));
      expect(await metrics()).toContain('modiste_release_store_reachable{part="ranking"} 0');
      expect((await ask()).items.length).toBe(12);
      await store.promote("later");
      wire.mend();
      await untilAll("later");
      await eventually(metrics, (text) => expect(text).toContain('modiste_release_store_reachable{part="ranking"} 1'));
      const said = running.logs.slice(before).filter(({ service }) => service === "ranking");
      // Once for each kind of fault that was met, not once a look.
      expect(said.filter(({ msg, level }) => level === "warn" && msg.includes("cannot be looked at")).length).toBeLessThanOrEqual(2);
      expect(said.filter(({ msg }) => msg === "the releases can be looked at again").length).toBe(1);
    });

    it("are waited for by a service that starts while the bucket cannot be reached", async () => {
      wire.cut();
      const alone = {
        ...shop.env,
        ...env,
        MODISTE_HOME: join(shop.home, "alone"),
        MODISTE_RELEASE_LOOK_MS: "100",
        MODISTE_LOG_LEVEL: "error",
      };
      const started = await startServices(fleet, ["popularity"], { env: alone });
      try {
        expect(started.ready()).toMatch(/popularity: no release can be had from s3:\/\/.*cannot be reached/);
        const readyz = (): Promise<string> => textOf(`http://127.0.0.1:${started.adminPort}/readyz`);
        expect(await readyz()).toMatch(/^popularity: no release can be had from/);
        wire.mend();
        await eventually(readyz, (body) => expect(body).toBe("ready\n"));
        wire.cut();
        await eventually(readyz, (body) => expect(body).toMatch(/^ready\npopularity: s3:.* cannot be looked at: .*; later serves\n$/));
        await eventually(
          async () => started.ready(),
          (reason) => expect(reason).toBeNull(),
        );
      } finally {
        await started.close();
      }
    });

    it.each([
      ["an empty bucket", "{bucket}/none", {}, /no release has been promoted in s3:\/\/.*\/none yet; run `modiste train`/],
      ["a bucket that does not exist", "modiste-nobody-has-this", {}, /does not exist \(MODISTE_RELEASES\)/],
      [
        "credentials that are refused",
        "{bucket}/x",
        { MODISTE_S3_SECRET_ACCESS_KEY: "wrong" },
        /refuses the credentials.*MODISTE_S3_SECRET/,
      ],
    ] as const)("%s is told as the reason of not being ready", async (_, place, change, reason) => {
      const location = { MODISTE_RELEASES: `s3://${place.replace("{bucket}", bucket.name)}`, MODISTE_S3_ENDPOINT: settings.endpoint };
      const started = await startServices(fleet, ["popularity"], {
        env: { ...shop.env, ...env, ...change, ...location, MODISTE_LOG_LEVEL: "silent" },
      });
      try {
        expect(started.ready()).toMatch(reason);
      } finally {
        await started.close();
      }
    });
  });
});
