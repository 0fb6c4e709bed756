import { describe, expect, it } from "vitest";
import type { Catalog } from "#libs/catalog/catalog.ts";
import type { Cases } from "#libs/data/cases.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { packedLists } from "../lists.ts";
import { coverage } from "./coverage.ts";
import { diversity } from "./diversity.ts";
import { gini } from "./gini.ts";
import { casesContext, type MeasureContext } from "./measure.ts";
import { newItemShare } from "./new-item-share.ts";
import { novelty } from "./novelty.ts";
import { popularityLift } from "./popularity-lift.ts";
import { repeatShare } from "./repeat-share.ts";

const day = 86_400;

/** Four items; user 0 took items 0, 0 and 1 long ago, user 1 took item 0, user 2 nothing; item 2 was seen first yesterday. */
const train: Interactions = {
  userCount: 4,
  itemCount: 4,
  offsets: Int32Array.of(0, 3, 4, 4, 5),
  items: Int32Array.of(0, 0, 1, 0, 2),
  times: Uint32Array.of(10, 20, 30, 40, 99 * day),
  types: new Uint8Array(5).fill(3),
  values: new Float32Array(5),
};

const cases: Cases = {
  name: "by hand",
  train,
  endSeconds: 100 * day,
  histories: train,
  users: Int32Array.of(0, 1, 2),
  nowSeconds: new Float64Array(3).fill(100 * day),
  offsets: Int32Array.of(0, 1, 2, 3),
  items: Int32Array.of(1, 1, 1),
};

const column = (name: string, codes: number[]) => ({ name, values: ["a", "b"], codes: Int32Array.from(codes) });
const catalog = {
  itemCount: 4,
  category: column("category", [0, 0, 1, -1]),
  productGroup: column("group", [-1, -1, -1, -1]),
  attributes: [column("colour", [0, 1, 1, -1])],
} as unknown as Catalog;

const context = (...lists: number[][]): MeasureContext => ({
  lists: packedLists(lists, 3, 2),
  ...casesContext(cases, catalog),
});

describe("worked by hand", () => {
  it("coverage counts each listed item once", () => {
    expect(coverage.of(context([0, 1], [0, 1], []))).toBe(0.5);
  });
  it("gini is 0 where all items are listed alike, and 1 - 1/items where one fills every list", () => {
    expect(gini.of(context([0, 1], [2, 3], []))).toBeCloseTo(0, 12);
    expect(gini.of(context([0], [0], [0]))).toBeCloseTo(0.75, 12);
    expect(gini.of(context([], [], []))).toBeNaN();
  });
  it("novelty of an item with 3 of 5 interactions among 4 items is -log2(4/9)", () => {
    expect(novelty.of(context([0], [], []))).toBeCloseTo(-Math.log2(4 / 9), 12);
  });
  it("diversity is 1 less the share of attribute values in common; lists of one are left out", () => {
    // Items 0 and 1 share the category of two attributes each; item 3 has no attributes.
    expect(diversity.of(context([0, 1], [0], []))).toBeCloseTo(0.5, 12);
    expect(diversity.of(context([0, 1], [0, 3], []))).toBeCloseTo(0.75, 12);
  });
  it("popularity lift holds lists against histories, users without history left out", () => {
    // User 0: history (3 + 3 + 1) / 3, list 1; user 1: history 3, list 3.
    expect(popularityLift.of(context([1], [0], [0]))).toBeCloseTo((1 + 3) / (7 / 3 + 3) - 1, 12);
  });
  it("repeat share is what the user took before", () => {
    expect(repeatShare.of(context([0, 2], [2, 1], [0]))).toBeCloseTo((0.5 + 0 + 0) / 3, 12);
  });
  it("an item is new for 28 days, and where nobody took it yet", () => {
    expect(newItemShare.of(context([0, 2], [3], []))).toBeCloseTo((0.5 + 1) / 2, 12);
  });
});
