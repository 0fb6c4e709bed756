import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataset } from "../dataset.ts";
import { folderWith, parquetRows } from "./fixture.ts";
import { importMovielens } from "./movielens.ts";

const films = Buffer.from("1::Am\xe9lie (2001)::Comedy|Romance\n2::Heat (1995)::Action\n", "latin1");
const users = "1::F::25::10::48067\n2::M::56::16::70072\n";

describe("importMovielens", () => {
  it("reads the 1M layout: likes from four stars, genres, years, ISO-8859-1", async () => {
    const dir = folderWith({
      "movies.dat": films,
      "users.dat.gz": users,
      "ratings.dat": "1::1::5::978300760\n1::2::3::978300761\n2::9::4::978300762\n",
    });
    const manifest = await importMovielens(dir, { out: join(dir, "out"), maxRejects: 0.5, memoryLimitMb: 300 });
    const dataSet = await openDataset(join(dir, "out"));
    const catalog = await dataSet.loadCatalog();
    dataSet.close();
    expect(manifest.event_types).toEqual({ view: 1, like: 1 });
    expect(manifest.rejects).toEqual({ unknown_item: 1 });
    expect(catalog.names[0]).toBe("Amélie (2001)");
    expect(catalog.category.values).toEqual(["Comedy", "Action"]);
    expect(catalog.attributes.find((a) => a.name === "year")?.values).toEqual(["2001", "1995"]);
    expect([...catalog.prices]).toEqual([0, 0]);
  });

  it("reads the 100k layout", async () => {
    const flags = ["0", "1", ...Array.from({ length: 17 }, () => "0")].join("|");
    const dir = folderWith({
      "u.data": "7\t1\t4\t881250949\n",
      "u.item": `1|Heat (1995)|01-Jan-1995||http://x|${flags}\n`,
      "u.user": "7|24|M|writer|85711\n",
    });
    await importMovielens(dir, { out: join(dir, "out"), memoryLimitMb: 300 });
    const [item] = await parquetRows(join(dir, "out", "items.parquet"), "item");
    expect([item?.category, item?.decade]).toEqual(["Action", "1990s"]);
  });

  it("says which file of the layout is missing", async () => {
    const dir = folderWith({ "movies.dat": films, "users.dat": users });
    await expect(importMovielens(dir, { out: join(dir, "out") })).rejects.toThrow(
      /ratings\.dat is missing; a MovieLens 1m folder has ratings\.dat, movies\.dat, users\.dat/,
    );
    await expect(importMovielens(folderWith({}), { out: join(dir, "out") })).rejects.toThrow(/neither u\.data nor ratings\.dat found/);
  });
});
