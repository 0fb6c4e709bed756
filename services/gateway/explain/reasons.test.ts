import { expect, it } from "vitest";
import { columnOf, queryOf, tableOf } from "../test-shop.fixture.ts";
import { explainCandidate } from "./reasons.ts";

const table = tableOf([3, 0], columnOf("popularity", [1, 3], "popular_week"), columnOf("itemcf", [2, 0], "bought_together", ["a0", ""]));

it("names what contributed, strongest first, with the item of the history behind it", () => {
  const reasons = explainCandidate(queryOf(), table, 0);
  expect(reasons.map(({ kind, source, becauseItemId, text }) => [kind, source, becauseItemId, text])).toEqual([
    ["bought_together", "itemcf", "a0", "often bought with Anna black"],
    ["popular_week", "popularity", "", "popular this week"],
  ]);
});

it("never names a source that did not name the item", () => {
  expect(explainCandidate(queryOf(), table, 1).map(({ source }) => source)).toEqual(["popularity"]);
});

it("says who suggested it for a reason word that it does not know", () => {
  const unknown = tableOf([3], columnOf("fifth", [1], "some_new_word"));
  expect(explainCandidate(queryOf(), unknown, 0)[0]!.text).toBe("suggested by fifth");
});
