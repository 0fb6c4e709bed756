/** Imports of real public files, where the folder ../shared/data of the repository is there. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { folderWith } from "./fixture.ts";
import { findHmFiles, importHm } from "./hm.ts";
import { importInteractions, parseMapping } from "./interactions.ts";
import { importMovielens } from "./movielens.ts";
import { importSequences } from "./sequences.ts";

const shared = new URL("../../../../shared/data/", import.meta.url).pathname;

function need(context: TestContext, folder: string): string {
  const path = join(shared, folder);
  if (!existsSync(path)) context.skip(`${path} is not on this machine`);
  return path;
}

describe("real files", () => {
  it("H&M: 267,450 purchases, the 174 rows of both files once", { timeout: 60_000 }, async (context) => {
    const source = need(context, "hm");
    const manifest = await importHm(findHmFiles([source]), { out: join(folderWith({}), "hm") });
    expect(manifest.counts).toEqual({ users: 92_794, items: 105_542, interactions: 240_311 + 27_313 - 174 });
    expect(manifest.rejects).toEqual({});
  });

  it("MovieLens 100k: 943 users, 1,682 films, 100,000 ratings", { timeout: 60_000 }, async (context) => {
    const manifest = await importMovielens(need(context, "ml-100k"), { out: join(folderWith({}), "ml") });
    expect(manifest.counts).toEqual({ users: 943, items: 1682, interactions: 100_000 });
  });

  it("Online Retail: a quarter of the rows has no customer", { timeout: 60_000 }, async (context) => {
    const file = join(need(context, "online-retail"), "online_retail.csv.gz");
    const map = parseMapping("user=CustomerID,item=StockCode,time=InvoiceDate,value=UnitPrice,quantity=Quantity,name=Description");
    const out = join(folderWith({}), "retail");
    const manifest = await importInteractions(file, { map, out, maxRejects: 0.3 });
    expect(manifest.rejects).toEqual({ missing_user: 135_080, quantity_not_positive: 8905 });
    expect(manifest.counts.users).toBe(4339);
  });

  it("Gowalla: the published counts and the given test part", { timeout: 60_000 }, async (context) => {
    const folder = need(context, "gowalla");
    const options = { layout: "user-items", test: join(folder, "test.txt.gz"), out: join(folderWith({}), "g") } as const;
    const manifest = await importSequences(join(folder, "train.txt.gz"), options);
    expect(manifest.counts).toEqual({ users: 29_858, items: 40_981, interactions: 810_128 + 217_242 });
  });
});
