import { describe, expect, it } from "vitest";
import { releaseBefore } from "./rollback.ts";
import type { ReleaseChange, ReleaseStore } from "./store.ts";

type Line = readonly [change: "promote" | "rollback", release: string, from: string | null];

/** A store of which only what a rollback reads is there; every release's parent is "parent". */
function storeOf(current: string | null, lines: readonly Line[]): ReleaseStore {
  const changes: ReleaseChange[] = lines.map(([change, release, from]) => ({ change, release, from, at_seconds: 0 }));
  return {
    current: async () => current,
    changes: async () => changes,
    manifest: async (id: string) => ({ id, parent: id === "first" ? null : "parent" }),
  } as unknown as ReleaseStore;
}

describe("releaseBefore", () => {
  it.each<[string, string, Line[], string]>([
    [
      "the one before",
      "b",
      [
        ["promote", "a", null],
        ["promote", "b", "a"],
      ],
      "a",
    ],
    [
      "two back after a rollback",
      "b",
      [
        ["promote", "a", null],
        ["promote", "b", "a"],
        ["promote", "c", "b"],
        ["rollback", "b", "c"],
      ],
      "a",
    ],
    [
      "not one whose promotion was noted but not made",
      "c",
      [
        ["promote", "a", null],
        ["promote", "b", "a"],
        ["promote", "c", "a"],
      ],
      "a",
    ],
    [
      "the same again after a rollback that was noted but not made",
      "b",
      [
        ["promote", "a", null],
        ["promote", "b", "a"],
        ["rollback", "a", "b"],
      ],
      "a",
    ],
    ["what served before the first noted change", "b", [["promote", "b", "a"]], "a"],
    ["the parent where no change is noted", "b", [], "parent"],
    [
      "once more promoted is not one more step",
      "b",
      [
        ["promote", "a", null],
        ["promote", "b", "a"],
        ["promote", "b", "b"],
      ],
      "a",
    ],
  ])("is %s", async (_, current, lines, expected) => {
    expect(await releaseBefore(storeOf(current, lines))).toBe(expected);
  });

  it("says so where nothing served before", async () => {
    await expect(releaseBefore(storeOf("first", [["promote", "first", null]]))).rejects.toMatchObject({ reason: "release_first" });
    await expect(releaseBefore(storeOf(null, []))).rejects.toMatchObject({ reason: "release_none" });
  });
});
