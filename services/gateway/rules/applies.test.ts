import { describe, expect, it } from "vitest";
import { noFilter } from "#libs/catalog/filter.ts";
import { surfaces } from "#libs/pipeline/surfaces.ts";
import { queryOf } from "../test-shop.fixture.ts";
import { applies } from "./applies.ts";

const filter = { ...noFilter, categories: ["Dress", "Shirt"], attributes: [{ attribute: "colour", values: ["Black", "White"] }] };
const query = queryOf({ filter, surface: surfaces.home, nowSeconds: 1000, attributes: new Map([["age", "31"]]) });

describe("a rule applies", () => {
  it("always, when it has no condition", () => {
    expect(applies({}, query)).toBe(true);
  });

  it.each([
    ["kind of request", { requests: ["recommend", "popular"] }, { requests: ["similar"] }],
    ["surface", { surfaces: ["home"] }, { surfaces: ["basket", "email"] }],
    ["category of the request", { categories: ["Shirt", "Coat"] }, { categories: ["Coat"] }],
    ["attribute asked for", { attributes: { colour: ["Black"] } }, { attributes: { colour: ["Pink"] } }],
    ["attribute asked for at all", { attributes: { colour: [] } }, { attributes: { section: [] } }],
    ["what is known of the user", { users: ["known"] }, { users: ["unknown", "session"] }],
    ["segment", { segment: { age: ["30", "31"] } }, { segment: { age: ["30"] } }],
    ["user attribute that is there", { segment: { age: ["31"] } }, { segment: { age: ["31"], club: ["gold"] } }],
    ["time, from included", { from: 1000 }, { from: 1001 }],
    ["time, until excluded", { until: 1001 }, { until: 1000 }],
    ["all conditions together", { surfaces: ["home"], users: ["known"] }, { surfaces: ["home"], users: ["unknown"] }],
  ] as const)("by the %s", (_, holds, fails) => {
    expect(applies(holds, query)).toBe(true);
    expect(applies(fails, query)).toBe(false);
  });

  it("not by a category or attribute where the request filters by none", () => {
    const plain = queryOf();
    expect(applies({ categories: ["Dress"] }, plain)).toBe(false);
    expect(applies({ attributes: { colour: [] } }, plain)).toBe(false);
  });
});
