import { describe, expect, it } from "vitest";
import type { SourceReport } from "#libs/pipeline/pipeline.ts";
import { Grade, UserKnowledge } from "#protos/recommender.ts";
import { columnOf, queryOf, tableOf } from "../test-shop.fixture.ts";
import { gradeOf, respond, type ServedResult } from "./respond.ts";

const answered: SourceReport = { source: "itemcf", outcome: "answered", candidates: 2, milliseconds: 1, release: "r1", reason: "" };
const late: SourceReport = { ...answered, source: "content", outcome: "late", candidates: 0, release: "", reason: "deadline_exceeded" };

function resultOf(overrides: Partial<ServedResult> = {}): ServedResult {
  return {
    query: queryOf(),
    candidates: tableOf([3, 0], columnOf("itemcf", [1, 2], "bought_together")),
    scores: Float64Array.of(0.5, Number.NaN),
    chosen: Int32Array.of(0, 1),
    sources: [answered],
    stages: [{ stage: "hydrate", milliseconds: 1, candidates: 0 }],
    removed: [],
    degraded: [],
    ranked: true,
    rankedCount: 2,
    note: null,
    lastResort: false,
    ...overrides,
  };
}

describe("the grade is the worst rung that applies", () => {
  const unavailable = queryOf({ knowledge: "unavailable" });
  it.each([
    ["FULL", {}, Grade.GRADE_FULL],
    ["PARTIAL when a source is late", { sources: [answered, late] }, Grade.GRADE_PARTIAL],
    ["PARTIAL when time was short and only the best were ranked", { degraded: ["ranking:shortened"], rankedCount: 1 }, Grade.GRADE_PARTIAL],
    ["UNRANKED without the ranker, also with a late source", { ranked: false, sources: [answered, late] }, Grade.GRADE_UNRANKED],
    ["IMPERSONAL without profile and session, also unranked", { query: unavailable, ranked: false }, Grade.GRADE_IMPERSONAL],
    [
      "STATIC without any source, whatever else",
      { query: unavailable, ranked: false, lastResort: true, sources: [late] },
      Grade.GRADE_STATIC,
    ],
    ["FULL when the last resort only filled what nobody had anything to say to", { lastResort: true }, Grade.GRADE_FULL],
    ["FULL for an unknown user: that is no degradation", { query: queryOf({ knowledge: "unknown" }) }, Grade.GRADE_FULL],
  ] as const)("%s", (_, overrides, grade) => {
    expect(gradeOf(resultOf(overrides as Partial<ServedResult>))).toBe(grade);
  });
});

describe("the answer", () => {
  it("counts who answered and who did not", () => {
    const { coverage, releases } = respond(resultOf({ sources: [answered, late] }), "rec", "trace");
    expect(coverage).toMatchObject({ user: UserKnowledge.USER_KNOWLEDGE_KNOWN, asked: 2, answered: 1, late: 1, failed: 0 });
    expect(releases).toEqual({ pinned: "r1", itemcf: "r1" });
  });
  it("says how many candidates were ranked of those found", () => {
    const { coverage } = respond(resultOf({ rankedCount: 1 }), "rec", "trace");
    expect(coverage).toMatchObject({ candidatesFound: 2, candidatesRanked: 1 });
  });
  it("shows an item as the catalogue has it, and no score that is not finite", () => {
    const { items } = respond(resultOf(), "rec", "trace");
    expect(items[0]).toMatchObject({
      itemId: "b0",
      name: "Bea",
      category: "Shirt",
      price: 20,
      attributes: { colour: "White" },
      score: 0.5,
    });
    expect(items[1]!.score).toBe(0);
  });
});
