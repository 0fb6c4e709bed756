import { describe, expect, it } from "vitest";
import type { Cases } from "#libs/data/cases.ts";
import { listOf, packedLists, scoreLists } from "./lists.ts";
import { meanOf } from "./measures/measure.ts";
import { ndcg } from "./metrics/ndcg.ts";
import { recall } from "./metrics/recall.ts";

/** Case 0 took items 4 and 5, case 1 nothing. */
const cases = { users: Int32Array.of(0, 1), offsets: Int32Array.of(0, 2, 2), items: Int32Array.of(4, 5) } as unknown as Cases;

describe("lists", () => {
  it("are cut at k and filled where they are short", () => {
    const lists = packedLists([[1, 2, 3], [4]], 2, 2);
    expect([...lists.items]).toEqual([1, 2, 4, -1]);
    expect([...listOf(lists, 1)]).toEqual([4]);
  });

  it("are measured over cases that have something to find only", () => {
    // Case 0 finds 1 of 2, at the first place.
    const values = scoreLists(
      packedLists(
        [
          [5, 6],
          [7, 8],
        ],
        2,
        2,
      ),
      cases,
      [recall, ndcg],
      [2],
    );
    expect(values.get("recall@2")).toEqual(Float64Array.of(0.5, Number.NaN));
    expect(meanOf(values.get("recall@2")!)).toBe(0.5);
    expect(meanOf(values.get("ndcg@2")!)).toBeCloseTo(1 / (1 + 1 / Math.log2(3)), 12);
  });

  it("count what was taken by a condition when there is one", () => {
    const values = scoreLists(packedLists([[5, 6], []], 2, 2), cases, [recall], [2], (item) => item === 5);
    expect(values.get("recall@2")![0]).toBe(1);
  });
});
