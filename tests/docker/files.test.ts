/** What is written from the table and the lockfile is up to date, and images hold no package whose licence nobody allowed. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { fleetCompose } from "../../scripts/fleet-compose.ts";
import { licenceDocument, refusedLicences } from "../../scripts/image/licences.ts";
import { imagePlatform, missingPackages, productionPackages } from "../../scripts/image/packages.ts";
import { modisteVersion } from "../../services/cli/version.ts";
import { fleet } from "../../services/fleet.ts";

const root = new URL("../..", import.meta.url).pathname;
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");

interface ComposeService {
  readonly command: readonly string[];
  readonly image: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly ports?: readonly string[];
}

describe("compose.yaml", () => {
  it("is what npm run generate writes", () => {
    expect(read("compose.yaml")).toBe(fleetCompose(modisteVersion(), fleet));
  });

  const { services } = parse(read("compose.yaml"), { merge: true }) as { services: Record<string, ComposeService> };

  it("has every service of the table, and publishes on loopback alone", () => {
    for (const { name } of fleet) expect(services[name]?.command).toEqual(["serve", name]);
    const ports = Object.values(services).flatMap(({ ports: published = [] }) => published);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
  });

  it("gives no container a right that it needs not, and names no image by a tag that moves", () => {
    for (const service of Object.values(services)) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] });
      expect(service.image).not.toMatch(/latest|^[^:]+$/);
    }
  });
});

describe("packages of the images", () => {
  it("are listed with their licences in docs/licences.md", () => {
    expect(read("docs/licences.md")).toBe(licenceDocument(root));
  });

  it("are refused with a licence that nobody allowed, by name", () => {
    const one = { path: "node_modules/x", name: "x", version: "1.0.0" };
    expect(refusedLicences([{ ...one, licence: "AGPL-3.0" }])).toEqual(["x: AGPL-3.0"]);
    expect(refusedLicences([{ ...one, licence: "" }])).toEqual(["x: none named"]);
  });

  it("are those of one platform: another one's are named as missing", () => {
    const arm = productionPackages(root, { ...imagePlatform, cpu: "arm64" });
    expect(missingPackages("/nowhere", arm)).toContain("@lmdb/lmdb-linux-arm64");
    const names = productionPackages(root, imagePlatform, ["tsx"]).map(({ name }) => name);
    expect(names).toContain("@lmdb/lmdb-linux-x64");
    expect(names.filter((name) => /tsx|esbuild|darwin|win32|arm64/.test(name))).toEqual([]);
  });
});
