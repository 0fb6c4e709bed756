import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataset } from "../dataset.ts";
import { Duck } from "../duck.ts";
import { folderWith, parquetRows } from "./fixture.ts";
import { type InteractionsOptions, importInteractions, parseMapping } from "./interactions.ts";

const base = { map: parseMapping("user=u,item=i,time=t"), memoryLimitMb: 300 };

async function times(values: readonly string[]): Promise<number[]> {
  const dir = folderWith({ "a.csv": `u,i,t\n${values.map((value) => `1,2,${value}`).join("\n")}\n` });
  await importInteractions(join(dir, "a.csv"), { ...base, out: join(dir, "out") });
  return (await parquetRows(join(dir, "out", "interactions.parquet"), "source_row")).map((row) => Number(row.time));
}

async function importText(text: string, options: Partial<InteractionsOptions> = {}, name = "a.csv"): Promise<string> {
  const dir = folderWith({ [name]: text });
  await importInteractions(join(dir, name), { ...base, out: join(dir, "out"), ...options });
  return join(dir, "out");
}

describe("importInteractions", () => {
  it("reads times as seconds, milliseconds, ISO, blank between date and time, and month first", async () => {
    const want = Date.UTC(2010, 11, 1, 8, 26) / 1000;
    const got = await times([
      String(want),
      String(want * 1000),
      "2010-12-01T08:26:00Z",
      "2010-12-01T09:26:00+01:00",
      "2010-12-01 08:26:00",
      "12/1/2010 8:26",
    ]);
    expect(got).toEqual([want, want, want, want, want, want]);
  });

  it("takes a user number that was a floating point number for the same user", async () => {
    const out = await importText("u,i,t\n17850.0,85123A,1000\n17850,85123A,2000\n");
    expect((await parquetRows(join(out, "users.parquet"), '"user"')).map((row) => row.id)).toEqual(["17850"]);
  });

  it("rejects by default what is no sale to a known person", async () => {
    const map = parseMapping("user=u,item=i,time=t,quantity=q,value=p,type=k");
    const rows = [
      "1,a,1000,1,2.5,buy",
      ",a,1000,1,2.5,buy",
      "1,,1000,1,2.5,buy",
      "1,a,never,1,2.5,buy",
      "1,a,1000,-6,2.5,buy",
      "1,a,1000,1,-2,buy",
      "1,a,1000,1,2.5,stare",
      "1,a,1000,1,2.5,click",
    ];
    const out = await importText(`u,i,t,q,p,k\n${rows.join("\n")}\n`, { map, maxRejects: 1 });
    const rejects = await parquetRows(join(out, "rejects.parquet"), "line");
    expect(rejects.map((row) => [Number(row.line), row.reason])).toEqual([
      [3, "missing_user"],
      [4, "missing_item"],
      [5, "broken_date"],
      [6, "quantity_not_positive"],
      [7, "negative_price"],
      [8, "unknown_type"],
    ]);
    expect((await parquetRows(join(out, "interactions.parquet"), "source_row")).map((row) => row.type)).toEqual([3, 1]);
  });

  it("reads semicolons, ISO-8859-1 and attributes of users and items", async () => {
    const text = Buffer.from("u;i;t;n;c\n1;a;1000;Caf\xe9;Espa\xf1a\n", "latin1");
    const dir = folderWith({ "a.csv": text });
    const map = parseMapping("user=u,item=i,time=t,name=n,user.country=c,item.origin=c");
    await importInteractions(join(dir, "a.csv"), { ...base, map, encoding: "latin-1", out: join(dir, "out") });
    const dataSet = await openDataset(join(dir, "out"));
    const [catalog, users] = [await dataSet.loadCatalog(), await dataSet.loadUsers()];
    dataSet.close();
    expect(catalog.names).toEqual(["Café"]);
    expect(catalog.attributes[0]?.values).toEqual(["España"]);
    expect(users.attributes[0]?.name).toBe("country");
  });

  it("reads NDJSON and puts a line that is no JSON aside", async () => {
    const out = await importText('{"u":"x","i":7,"t":1000}\n{"u":"x","i":\n{"u":"y","i":8,"t":2000}\n', { maxRejects: 1 }, "a.ndjson");
    expect((await parquetRows(join(out, "items.parquet"), "item")).map((row) => row.id)).toEqual(["7", "8"]);
    const [reject] = await parquetRows(join(out, "rejects.parquet"), "line");
    expect([Number(reject?.line), reject?.reason, reject?.raw]).toEqual([2, "malformed_row", '{"u":"x","i":']);
  });

  it("reads Parquet and names a column that is not there", async () => {
    const dir = folderWith({});
    const path = join(dir, "a.parquet");
    const duck = await Duck.open({ memoryLimitMb: 200 });
    await duck.run(`COPY (SELECT 5 AS u, 'a' AS i, TIMESTAMP '2020-01-01 10:00:00' AS t) TO '${path}' (FORMAT parquet)`);
    duck.close();
    const manifest = await importInteractions(path, { ...base, out: join(dir, "out") });
    expect(manifest.time_range.first).toBe(Date.UTC(2020, 0, 1, 10) / 1000);
    const wrong = importInteractions(path, { ...base, map: parseMapping("user=who,item=i,time=t"), out: join(dir, "no") });
    await expect(wrong).rejects.toThrow(/a\.parquet: column who is missing; expected who, i, t; found u, i, t/);
  });

  it("takes items from their own file and rejects others", async () => {
    const dir = folderWith({ "a.csv": "u,i,t\n1,a,1000\n1,b,1000\n", "items.csv": "sku,title,cost\na,Hat,9.5\nc,Coat,-1\n" });
    const items = { file: join(dir, "items.csv"), map: { item: "sku", name: "title", price: "cost" } };
    const manifest = await importInteractions(join(dir, "a.csv"), { ...base, items, maxRejects: 1, out: join(dir, "out") });
    expect(manifest.rejects).toEqual({ negative_price: 1, unknown_item: 1 });
    const [item] = await parquetRows(join(dir, "out", "items.parquet"), "item");
    expect([item?.name, item?.price]).toEqual(["Hat", 9.5]);
  });

  it("says which fields a mapping may have and which it needs", async () => {
    expect(() => parseMapping("user=u,colour=c")).toThrow(/map: expected field=Column .* found colour=c/);
    await expect(importText("u,i,t\n1,a,1000\n", { map: { user: "u" } })).rejects.toThrow(/map: a column for item is needed; found user/);
  });
});
