import { expect, it } from "vitest";
import { type RankRequest, RankResponse } from "#protos/ranker.ts";
import { columnOf, queryOf, tableOf } from "../test-shop.fixture.ts";
import { rankingScorer } from "./ranking.ts";

const context = { signal: new AbortController().signal, budgetMs: 10 };
const table = tableOf([3, 0], columnOf("itemcf", [1, 2], "bought_together"), columnOf("popularity", [0, 1], "popular_week"));

it("sends candidates by id with every source's column and answers the scores in order", async () => {
  const asked: RankRequest[] = [];
  const scorer = rankingScorer({
    rank: async (request) => {
      asked.push(request as RankRequest);
      return RankResponse.fromPartial({ scores: [0.5, 0.7], model: "logistic" });
    },
  });
  const { scores, note } = await scorer.score(queryOf({ featureRows: 2 }), table, context);
  expect(Array.from(scores)).toEqual([0.5, 0.7]);
  expect(note).toEqual({ model: "logistic", request: asked[0], features: undefined });
  expect(asked[0]!.featureRows).toBe(2);
  expect(asked[0]!.itemIds).toEqual(["b0", "a0"]);
  expect(Array.from(asked[0]!.sources[1]!.ranks)).toEqual([0, 1]);
});

it("fuses ranks by the learned weights when the ranking service is missing", () => {
  const scorer = rankingScorer({ rank: async () => RankResponse.fromPartial({}) });
  // itemcf weighs 1, popularity 0.5: 1/11 against 1/12 + 0.5/11.
  const scores = scorer.fallback(queryOf(), table);
  expect(scores[0]).toBeCloseTo(1 / 11, 12);
  expect(scores[1]).toBeCloseTo(1 / 12 + 0.5 / 11, 12);
});

it("does not ask the personal ranker for similar items, where every source counts alike", () => {
  const scorer = rankingScorer({ rank: async () => RankResponse.fromPartial({}) });
  expect(scorer.applies(queryOf())).toBe(true);
  expect(scorer.applies(queryOf({ kind: "similar" }))).toBe(false);
  expect(scorer.fallback(queryOf({ kind: "similar" }), table)[1]).toBeCloseTo(1 / 12 + 1 / 11, 12);
});

it("takes the contract's lowest score for none", async () => {
  const scorer = rankingScorer({ rank: async () => RankResponse.fromPartial({ scores: [-Number.MAX_VALUE, 1] }) });
  expect(Array.from((await scorer.score(queryOf(), table, context)).scores)).toEqual([Number.NEGATIVE_INFINITY, 1]);
});
