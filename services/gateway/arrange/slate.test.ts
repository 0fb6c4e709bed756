import { expect, it } from "vitest";
import { surfaces } from "#libs/pipeline/surfaces.ts";
import { noRules } from "../rules/active-rules.ts";
import { columnOf, queryOf, tableOf } from "../test-shop.fixture.ts";
import { slate } from "./slate.ts";

it("gives the basket surface one item of a product, and fills up with the others when there are no more", () => {
  const table = tableOf([0, 1, 2, 3]);
  const query = queryOf({ surface: { ...surfaces.basket, arrange: { groupMax: 1, categoryMax: 0, diversity: 0 } } });
  const order = Int32Array.of(0, 1, 2, 3);
  expect([...slate.arrange(query, table, new Float64Array(4), order, 2)]).toEqual([0, 3]);
  expect([...slate.arrange(query, table, new Float64Array(4), order, 4)]).toEqual([0, 3, 1, 2]);
});

const pinsOf = (...pins: readonly (readonly [number, number])[]) => ({
  ...noRules,
  pins: pins.map(([item, position]) => ({ rule: "r", item, position })),
});

it("caps never drop a pin, and count it", () => {
  const surface = { ...surfaces.basket, arrange: { groupMax: 1, categoryMax: 0, diversity: 0 } };
  const order = Int32Array.of(0, 1, 2, 3);
  const arranged = (rules: typeof noRules, limit: number) => [
    ...slate.arrange(queryOf({ surface, rules }), tableOf([0, 1, 2, 3, 5]), new Float64Array(5), Int32Array.of(...order, 4), limit),
  ];
  expect(arranged(pinsOf([1, 2], [2, 3]), 4)).toEqual([3, 1, 2, 4]);
  expect(arranged(pinsOf([1, 1]), 3)).toEqual([1, 3, 4]);
});

it("an item that only a pin without a place brought in is not in the list", () => {
  const table = tableOf([0, 1, 2], columnOf("itemcf", [1, 0, 0], "bought_together"));
  const query = queryOf({ rules: pinsOf([1, 2], [2, 2]) });
  expect([...slate.arrange(query, table, new Float64Array(3), Int32Array.of(2, 1, 0), 2)]).toEqual([0, 1]);
});
