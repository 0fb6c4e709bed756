import { expect, it } from "vitest";
import { type GenerateRequest, GenerateResponse } from "#protos/candidate_source.ts";
import { historyOf, queryOf } from "../test-shop.fixture.ts";
import { fleetSource } from "./fleet-source.ts";

const context = { signal: new AbortController().signal, budgetMs: 10 };

function answering(response: Parameters<typeof GenerateResponse.fromPartial>[0], asked: GenerateRequest[] = []) {
  const generate = async (request: unknown): Promise<GenerateResponse> => {
    asked.push(request as GenerateRequest);
    return GenerateResponse.fromPartial(response);
  };
  return fleetSource({ name: "itemcf", budgetMs: 50, quota: 10, serves: ["recommend", "similar"], client: { generate } });
}

const answer = {
  release: "r1",
  itemIds: ["b0", "unknown", "a1"],
  scores: [3, 2, 1],
  reasonIndexes: [0, 1, 0],
  reasons: ["x", "y"],
  becauseItemIds: ["a0", "", ""],
};

it("leaves out items that the pinned release does not know, and keeps the columns aligned", async () => {
  const { items, scores, because, pinned } = await answering(answer).retrieve(queryOf(), context);
  expect([...items]).toEqual([3, 1]);
  expect(Array.from(scores)).toEqual([3, 1]);
  expect(because).toEqual(["a0", ""]);
  expect(pinned).toBe(true);
});

it("says when a source answered from another release", async () => {
  expect((await answering({ ...answer, release: "r0" }).retrieve(queryOf(), context)).pinned).toBe(false);
});

it("asks for the learned quota with the whole history", async () => {
  const asked: GenerateRequest[] = [];
  await answering(answer, asked).retrieve(queryOf({ history: historyOf(["a0", "purchase", 1]) }), context);
  expect(asked[0]).toMatchObject({ release: "r1", limit: 40, events: { itemIds: ["a0"], types: [3] } });
});

it("is asked only for the kinds of request that it serves", () => {
  expect(answering(answer).applies(queryOf({ kind: "popular" }))).toBe(false);
  expect(answering(answer).applies(queryOf({ kind: "similar" }))).toBe(true);
});
