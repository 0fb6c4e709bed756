import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataset } from "./dataset.ts";
import { folderWith, shop } from "./importers/fixture.ts";
import { findHmFiles, importHm } from "./importers/hm.ts";

async function imported(): Promise<string> {
  const dir = shop(["2020-09-16,ann,0108775015,0.05,2"]);
  const out = join(dir, "data");
  await importHm(findHmFiles([dir]), { out, memoryLimitMb: 300 });
  return out;
}

function editManifest(dir: string, edit: (manifest: Record<string, unknown>) => void): void {
  const file = join(dir, "dataset.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  edit(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

describe("openDataset", () => {
  it("names a folder that is no data set", async () => {
    await expect(openDataset(folderWith({}))).rejects.toThrow(/is no data set: .*dataset\.json cannot be read/);
  });

  it("names a manifest that is no JSON, and the field that is wrong in one that is", async () => {
    await expect(openDataset(folderWith({ "dataset.json": "{" }))).rejects.toThrow(/dataset\.json: not JSON/);
    const dir = await imported();
    editManifest(dir, (manifest) => Object.assign(manifest, { format: 99 }));
    await expect(openDataset(dir)).rejects.toThrow(/dataset\.json: format: /);
  });

  it("names a table that is gone", async () => {
    const dir = await imported();
    rmSync(join(dir, "users.parquet"));
    await expect(openDataset(dir)).rejects.toThrow(/users\.parquet is missing/);
  });

  it("refuses files that hold more or less than the manifest says", async () => {
    const dir = await imported();
    editManifest(dir, (manifest) => Object.assign(manifest, { counts: { users: 2, items: 2, interactions: 5 } }));
    const dataSet = await openDataset(dir);
    await expect(dataSet.loadInteractions()).rejects.toThrow(/says 5 interactions, the file holds 1/);
    dataSet.close();
  });

  it("stops loading when the caller leaves", async () => {
    const dataSet = await openDataset(await imported());
    await expect(dataSet.loadInteractions(undefined, AbortSignal.abort())).rejects.toThrow(/abort/i);
    dataSet.close();
  });
});
