import { describe, expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import type { Client } from "#libs/rpc/definition.ts";
import { type RankerDefinition, RankRequest, RankResponse } from "#protos/ranker.ts";
import type { ServedResult } from "../respond/respond.ts";
import { columnOf, queryOf, tableOf } from "../test-shop.fixture.ts";
import { explainScores } from "./contributions.ts";

const { signal } = new AbortController();
const candidates = tableOf([3, 0], columnOf("itemcf", [1, 2], "bought_together"));
const request = RankRequest.fromPartial({
  release: "r1",
  itemIds: ["b0", "a0"],
  sources: [{ source: "itemcf", scores: [0.5, 0.25], ranks: [1, 2], pinned: true }],
  featureRows: 8,
});
const resultOf = (note: ServedResult["note"]): ServedResult =>
  ({ query: queryOf(), candidates, chosen: Int32Array.of(1), note }) as unknown as ServedResult;
const ranked = resultOf({ model: "fixed", request, features: undefined });
const rankerOf = (rank: (asked: RankRequest) => Promise<RankResponse>): Client<typeof RankerDefinition> =>
  ({ rank }) as unknown as Client<typeof RankerDefinition>;

describe("what adds to the scores", () => {
  it("is asked for the items that are shown alone, as they were ranked, and told strongest first", async () => {
    const asked: RankRequest[] = [];
    const ranker = rankerOf(async (sent) => {
      asked.push(sent);
      return RankResponse.fromPartial({
        release: "r1",
        contributions: { groups: ["sales", "user", "itemcf"], positions: [0], values: [0.25, 0, -2] },
      });
    });
    const { items, problem } = await explainScores(ranker, ranked, signal);
    expect(asked).toEqual([
      {
        ...request,
        itemIds: ["a0"],
        sources: [{ source: "itemcf", scores: [0.25], ranks: [2], pinned: true }],
        featureRows: 0,
        contributionRows: 1,
      },
    ]);
    expect(problem).toBeNull();
    expect([...items]).toEqual([
      [
        "a0",
        [
          { group: "itemcf", value: -2 },
          { group: "sales", value: 0.25 },
        ],
      ],
    ]);
  });

  it("is not taken from another release than the one that ranked", async () => {
    const ranker = rankerOf(async () =>
      RankResponse.fromPartial({ release: "r2", contributions: { groups: ["user"], positions: [0], values: [1] } }),
    );
    expect(await explainScores(ranker, ranked, signal)).toMatchObject({ problem: "explain:other_release", items: new Map() });
  });

  it("is nothing for a list that was not ranked, and nobody is asked", async () => {
    const ranker = rankerOf(async () => Promise.reject(new Error("asked")));
    expect(await explainScores(ranker, resultOf(null), signal)).toMatchObject({ problem: null, items: new Map() });
  });

  it("leaves the list standing where it cannot be had, and says so", async () => {
    const ranker = rankerOf(async () => Promise.reject(new ModisteError("unavailable", "down", "no ranking service")));
    expect(await explainScores(ranker, ranked, signal)).toMatchObject({ problem: "explain:unavailable", items: new Map() });
  });
});
