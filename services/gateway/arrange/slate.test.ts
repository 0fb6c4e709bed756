import { expect, it } from "vitest";
import { surfaces } from "#libs/pipeline/surfaces.ts";
import { queryOf, tableOf } from "../test-shop.fixture.ts";
import { slate } from "./slate.ts";

it("gives the basket surface one item of a product, and fills up with the others when there are no more", () => {
  const table = tableOf([0, 1, 2, 3]);
  const query = queryOf({ surface: { ...surfaces.basket, arrange: { groupMax: 1, categoryMax: 0, diversity: 0 } } });
  const order = Int32Array.of(0, 1, 2, 3);
  expect([...slate.arrange(query, table, new Float64Array(4), order, 2)]).toEqual([0, 3]);
  expect([...slate.arrange(query, table, new Float64Array(4), order, 4)]).toEqual([0, 3, 1, 2]);
});
