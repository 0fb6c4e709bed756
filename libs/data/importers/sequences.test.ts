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

  it("makes every line of a test file of sessions a user of its own, wholly after the border", async () => {
    const dir = folderWith({ "train.txt": "5 6 5\n7 8\n", "test.txt": "5 6 7\t8\n5 6\t7\n5\t6\n" });
    const options = { layout: "items", test: join(dir, "test.txt"), out: join(dir, "out"), type: "view", memoryLimitMb: 300 } as const;
    const manifest = await importSequences(join(dir, "train.txt"), options);
    expect(manifest.counts).toEqual({ users: 5, items: 4, interactions: 14 });
    const dataSet = await openDataset(join(dir, "out"));
    const [interactions, users] = [await dataSet.loadInteractions(), await dataSet.loadUsers()];
    dataSet.close();
    expect([...sliceBefore(interactions, manifest.test_from!).offsets]).toEqual([0, 3, 5, 5, 5, 5]);
    expect([...interactions.offsets]).toEqual([0, 3, 5, 9, 12, 14]);
    expect([...interactions.items.subarray(5)]).toEqual([0, 1, 2, 3, 0, 1, 2, 0, 1]);
    expect(users.ids).toEqual(["1", "2", "test-1", "test-2", "test-3"]);
  });
});
