import { expect, it } from "vitest";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { featureNames } from "./features.ts";
import { groupFeatures } from "./groups.ts";
import { affinityColumns } from "./user-state.ts";

it("every feature belongs to a group that the contract names", () => {
  const features = featureNames(["itemcf", "content"], affinityColumns(createFixtureShop().catalog));
  const { names, of } = groupFeatures(features);
  expect([...names].sort()).toEqual([
    "affinity",
    "content",
    "itemcf",
    "novelty",
    "own_purchases",
    "own_views_and_likes",
    "price",
    "sales",
    "user",
  ]);
  const groupOf = (name: string): string => names[of[features.indexOf(name)]!]!;
  expect(["content.score", "bought_due", "liked", "log_price", "rebuy_rate", "idle_days", "user_rebought"].map(groupOf)).toEqual([
    "content",
    "own_purchases",
    "own_views_and_likes",
    "price",
    "sales",
    "novelty",
    "user",
  ]);
});
