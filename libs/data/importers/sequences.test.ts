import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataset } from "../dataset.ts";
import { sliceBefore } from "../splits.ts";
import { folderWith, parquetRows } from "./fixture.ts";
import { importSequences } from "./sequences.ts";

describe("importSequences", () => {
  it("puts the test part after every train position and says where it begins", async () => {
    const dir = folderWith({ "train.txt.gz": "u1 a b c\nu2 b\n", "test.txt": "u2 c d\nu3 a\n" });
    const manifest = await importSequences(join(dir, "train.txt.gz"), {
      layout: "user-items",
      test: join(dir, "test.txt"),
      out: join(dir, "out"),
      memoryLimitMb: 300,
    });
    const dataSet = await openDataset(join(dir, "out"));
    const interactions = await dataSet.loadInteractions();
    dataSet.close();
    expect(manifest.synthetic_times).toBe(true);
    expect(manifest.counts).toEqual({ users: 3, items: 4, interactions: 7 });
    const train = sliceBefore(interactions, manifest.test_from!);
    expect([...train.offsets]).toEqual([0, 3, 4, 4]);
    expect([...train.items]).toEqual([0, 1, 2, 1]);
    expect([...interactions.items]).toEqual([0, 1, 2, 1, 2, 3, 0]);
  });

  it("reads sessions of items and pairs of user and item", async () => {
    const dir = folderWith({ "s.txt": "5 6 5\n7 8\n", "p.txt": "1 a\n1 b\n2 a\nodd line here\n" });
    const sessions = await importSequences(join(dir, "s.txt"), { layout: "items", out: join(dir, "s"), type: "view", memoryLimitMb: 300 });
    expect(sessions.counts).toEqual({ users: 2, items: 4, interactions: 5 });
    expect(sessions.event_types).toEqual({ view: 5 });
    const pairs = await importSequences(join(dir, "p.txt"), { layout: "pairs", out: join(dir, "p"), maxRejects: 0.5, memoryLimitMb: 300 });
    expect(pairs.counts).toEqual({ users: 2, items: 2, interactions: 3 });
    const [reject] = await parquetRows(join(dir, "p", "rejects.parquet"), "line");
    expect([Number(reject?.line), reject?.reason]).toEqual([4, "malformed_row"]);
  });

  it("refuses a test file for sessions, whose lines name no user", async () => {
    await expect(importSequences("x", { layout: "items", test: "y", out: "z" })).rejects.toThrow(/test: lines of items have no user/);
  });
});
