import { expect, it } from "vitest";
import { historyMax, latestHistory } from "#libs/events/event.ts";
import { surfaces } from "#libs/pipeline/surfaces.ts";
import { disliked } from "./filter/disliked.ts";
import { seen } from "./filter/seen.ts";
import { historyOf, queryOf } from "./test-shop.fixture.ts";

const views = Array.from({ length: historyMax + 50 }, () => ["b0", "view", 1] as const);

it("filters still see a dislike and a purchase that lie behind hundreds of views, which the models no longer get", () => {
  const history = historyOf(["a0", "dislike", 9], ["a1", "purchase", 8], ...views);
  expect(disliked.keep(queryOf({ history }))!(0)).toBe(false);
  expect(seen.keep(queryOf({ history, surface: surfaces.product }))!(1)).toBe(false);
  expect(latestHistory(history).itemIds).toEqual(new Array(historyMax).fill("b0"));
});
