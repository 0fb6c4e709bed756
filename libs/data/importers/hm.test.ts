import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataset } from "../dataset.ts";
import { Duck } from "../duck.ts";
import type { DataSetManifest } from "../manifest.ts";
import { parquetRows, shop, transactionHeader } from "./fixture.ts";
import { findHmFiles, importHm } from "./hm.ts";
import type { ImportOptions } from "./import.ts";

async function importShop(dir: string, options: Partial<ImportOptions> = {}): Promise<{ manifest: DataSetManifest; out: string }> {
  const out = join(dir, "out", "data");
  const manifest = await importHm(findHmFiles([dir]), { out, memoryLimitMb: 300, ...options });
  return { manifest, out };
}

const day = 86_400;
const good = ["2020-09-16,ann,0108775015,0.05,2", "2020-09-17,bob,0108775044,0.02,1"];

describe("importHm", () => {
  it("keeps leading zeros of article ids and quoted text", async () => {
    const { out } = await importShop(shop(good));
    const dataSet = await openDataset(out);
    const catalog = await dataSet.loadCatalog();
    dataSet.close();
    expect(catalog.ids).toEqual(["0108775015", "0108775044"]);
    expect(catalog.names[0]).toBe('A "fine" Hat');
    expect(catalog.texts[0]).toBe("Soft, warm.");
    expect(catalog.productGroup.values).toEqual(["0108775"]);
    expect(catalog.attributes.find((a) => a.name === "section")?.values).toEqual(["Section"]);
  });

  it("takes days as seconds at midnight, prices times 590, and the last price as the item's", async () => {
    const { out } = await importShop(shop([...good, "2020-09-18,ann,0108775015,0.04,2"]));
    const dataSet = await openDataset(out);
    const [interactions, catalog] = [await dataSet.loadInteractions(), await dataSet.loadCatalog()];
    dataSet.close();
    expect([...interactions.offsets]).toEqual([0, 2, 3]);
    expect(interactions.times[0]).toBe(Date.parse("2020-09-16T00:00:00Z") / 1000);
    expect(interactions.values[0]).toBeCloseTo(29.5, 4);
    expect(catalog.prices[0]).toBeCloseTo(23.6, 4);
    expect(catalog.lastSaleSeconds[0]! - catalog.firstSaleSeconds[0]!).toBe(2 * day);
  });

  it("makes users of customers without a row, after the known ones, with unknown attributes", async () => {
    const { out, manifest } = await importShop(shop([...good, "2020-09-16,zoe,0108775015,0.05,2"]));
    const dataSet = await openDataset(out);
    const users = await dataSet.loadUsers();
    dataSet.close();
    expect(manifest.counts.users).toBe(3);
    expect(users.ids).toEqual(["ann", "bob", "zoe"]);
    const age = users.attributes.find((a) => a.name === "age");
    expect([...(age?.codes ?? [])]).toEqual([0, -1, -1]);
    expect(users.attributes.map((a) => a.name)).not.toContain("postal_code");
  });

  it("keeps identical rows inside a file and counts doubles between files once", async () => {
    const row = good[0]!;
    const second = `${transactionHeader}\n${[row, row, row, good[1]].join("\n")}\n`;
    const dir = shop([row, row, "2020-09-17,bob,0108775044,0.03,1"], { "transactions_more.csv.gz": second });
    const { manifest, out } = await importShop(dir);
    const rows = await parquetRows(join(out, "interactions.parquet"), '"user", "time", source_row');
    expect(manifest.counts.interactions).toBe(5);
    expect(rows.filter((r) => r.user === 0)).toHaveLength(3);
    expect(rows.filter((r) => r.user === 1).map((r) => Math.round(Number(r.value) * 10))).toEqual([118, 177]);
  });

  it("keeps the order of the file inside a day", async () => {
    const { out } = await importShop(
      shop(["2020-09-16,ann,0108775044,0.05,2", "2020-09-16,ann,0108775015,0.05,2", "2020-09-15,ann,0108775044,0.05,2"]),
    );
    const rows = await parquetRows(join(out, "interactions.parquet"), '"user", "time", source_row');
    expect(rows.map((r) => r.item)).toEqual([1, 1, 0]);
  });

  it("puts every kind of bad row aside with its line and reason", async () => {
    const bad = [
      "2020-09-16,ann,0108775015,0.05",
      "2020-09-16,ann,9999999999,0.05,2",
      "2020-09-16,ann,0108775015,-0.05,2",
      "2020-13-45,ann,0108775015,0.05,2",
      "2020-09-16,,0108775015,0.05,2",
      "2020-09-16,ann,0108775015,cheap,2",
      "2020-09-16,ann,0108775015,0.05,web",
    ];
    const text = Buffer.concat([
      Buffer.from(`${[transactionHeader, good[0], ...bad].join("\n")}\n`),
      Buffer.from("2020-09-16,caf\xe9,0108775015,0.05,2\n", "latin1"),
      Buffer.from(`${good[1]}\n`),
    ]);
    const { manifest, out } = await importShop(shop([], { "transactions_train.csv": text }), { maxRejects: 0.9 });
    const rejects = await parquetRows(join(out, "rejects.parquet"), "line");
    expect(rejects.map((r) => [Number(r.line), r.reason])).toEqual([
      [3, "malformed_row"],
      [4, "unknown_item"],
      [5, "negative_price"],
      [6, "broken_date"],
      [7, "missing_user"],
      [8, "broken_price"],
      [9, "broken_channel"],
      [10, "wrong_encoding"],
    ]);
    expect(rejects[1]?.raw).toBe("2020-09-16,ann,9999999999,0.05,2");
    expect(manifest.counts.interactions).toBe(2);
    expect(manifest.rejects.unknown_item).toBe(1);
  });

  it("fails with a table of reasons over the threshold and leaves nothing", async () => {
    const dir = shop([...good, "2020-09-16,ann,9999999999,0.05,2", "soon,ann,0108775015,0.05,2"]);
    await expect(importShop(dir)).rejects.toThrow(
      /2 of 8 rows rejected \(25\.000 %\), more than --max-rejects 0\.001:\n {2}broken_date +1 +12\.500 %\n {2}unknown_item +1/,
    );
    expect(readdirSync(join(dir, "out"))).toEqual([]);
  });

  it("names file, column and what was found when a column is missing", async () => {
    const dir = shop([], { "transactions_train.csv": "t_dat,customer_id,article,price,sales_channel_id\n" });
    await expect(importShop(dir)).rejects.toThrow(
      /transactions_train\.csv: column article_id is missing; expected t_dat, .*; found t_dat, customer_id, article, price/,
    );
  });

  it("names an empty file", async () => {
    await expect(importShop(shop([], { "customers.csv": "" }))).rejects.toThrow(/customers\.csv: the file is empty/);
    await expect(importShop(shop([], { "transactions_train.csv": `${transactionHeader}\n` }))).rejects.toThrow(
      /no interaction was found in articles\.csv/,
    );
  });

  it("names a missing file, a binary one and a damaged gzip", async () => {
    const dir = shop(good);
    expect(() => findHmFiles([join(dir, "articles.csv")])).toThrow(/no customers\*\.csv/);
    await expect(importShop(shop(good, { "customers.csv": Buffer.from([1, 0, 2, 0]) }))).rejects.toThrow(
      /customers\.csv: expected text, gzip or Parquet, found binary data/,
    );
    const damaged = Buffer.from([0x1f, 0x8b, 9, 9, 9, 9]);
    await expect(importShop(shop(good, { "customers.csv": damaged }))).rejects.toThrow(/customers\.csv: expected gzip, found damaged gzip/);
  });

  it("reads Parquet transactions and refuses numbers as ids", async () => {
    const dir = shop(good);
    const duck = await Duck.open({ memoryLimitMb: 200 });
    const csv = join(dir, "transactions_train.csv");
    const copy = (columns: string, name: string): Promise<void> =>
      duck.run(`COPY (SELECT ${columns} FROM read_csv('${csv}', all_varchar = true)) TO '${join(dir, name)}' (FORMAT parquet)`);
    await copy(
      "t_dat::DATE AS t_dat, customer_id, article_id, price::DOUBLE AS price, sales_channel_id::INTEGER AS sales_channel_id",
      "good.parquet",
    );
    await copy(
      "t_dat::DATE AS t_dat, customer_id, article_id::BIGINT AS article_id, price::DOUBLE AS price, 1 AS sales_channel_id",
      "bad.parquet",
    );
    duck.close();
    const files = { ...findHmFiles([dir]), transactions: [join(dir, "good.parquet")] };
    const fromParquet = await importHm(files, { out: join(dir, "p"), memoryLimitMb: 300 });
    const { manifest } = await importShop(dir);
    expect(fromParquet.fingerprint).toBe(manifest.fingerprint);
    const wrong = importHm({ ...files, transactions: [join(dir, "bad.parquet")] }, { out: join(dir, "q"), memoryLimitMb: 300 });
    await expect(wrong).rejects.toThrow(/bad\.parquet: column article_id: expected VARCHAR, found BIGINT/);
  });

  it("refuses to replace a data set or a foreign folder", async () => {
    const dir = shop(good);
    const { out } = await importShop(dir);
    await expect(importShop(dir)).rejects.toThrow(/exists; --force replaces it/);
    await importShop(dir, { force: true });
    mkdirSync(join(dir, "mine"));
    writeFileSync(join(dir, "mine", "letter.txt"), "dear");
    await expect(importShop(dir, { out: join(dir, "mine"), force: true })).rejects.toThrow(/holds no dataset\.json: it is not replaced/);
    expect(existsSync(join(out, "dataset.json"))).toBe(true);
  });

  it("cleans up after an import that was killed, and after one that is cancelled", async () => {
    const dir = shop(good);
    const stale = join(dir, "out", "data.tmp-999999999");
    mkdirSync(stale, { recursive: true });
    writeFileSync(join(stale, "interactions.parquet"), "half");
    const cancelled = importShop(dir, { signal: AbortSignal.abort() });
    await expect(cancelled).rejects.toThrow(/abort/i);
    expect(readdirSync(join(dir, "out"))).toEqual([]);
    await importShop(dir);
    expect(readdirSync(join(dir, "out"))).toEqual(["data"]);
    expect(readdirSync(join(dir, "out", "data")).sort()).toEqual([
      "dataset.json",
      "interactions.parquet",
      "items.parquet",
      "rejects.parquet",
      "users.parquet",
    ]);
  });

  it("puts back a data set whose replacement was killed between two renames", async () => {
    const dir = shop(good);
    const { out, manifest } = await importShop(dir);
    const { renameSync } = await import("node:fs");
    renameSync(out, `${out}.old-999999999`);
    await expect(importShop(dir)).rejects.toThrow(/exists; --force replaces it/);
    expect((await openDataset(out)).manifest.fingerprint).toBe(manifest.fingerprint);
  });

  it("gives the same fingerprint for the same input and another for another", async () => {
    const { manifest: first } = await importShop(shop(good));
    const { manifest: same } = await importShop(shop(good));
    const { manifest: other } = await importShop(shop([good[0]!, "2020-09-17,bob,0108775015,0.02,1"]));
    expect(same.fingerprint).toBe(first.fingerprint);
    expect(other.fingerprint).not.toBe(first.fingerprint);
  });
});
