import { describe, expect, it } from "vitest";
import { queryOf, sixItems } from "../test-shop.fixture.ts";
import { noRules } from "./active-rules.ts";
import { activeRules, compileRules } from "./compile.ts";
import type { Rule, RuleWhere } from "./rule.ts";

const { catalog } = sixItems();
const empty = { when: {}, pin: [], boost: [], bury: [], hide: [] };
const all = [0, 1, 2, 3, 4, 5];

function hiddenBy(...hide: readonly RuleWhere[]): number[] {
  const { hides } = activeRules(compileRules([{ ...empty, name: "r", hide }], catalog), queryOf());
  return all.filter((item) => hides.some((matches) => matches(item)));
}

describe("which items a rule means", () => {
  it.each([
    ["ids", { items: ["a0", "c0"] }, [0, 5]],
    ["categories", { categories: ["Shirt"] }, [3, 4, 5]],
    ["product groups", { product_groups: ["A", "C"] }, [0, 1, 2, 5]],
    ["attributes, never where they are not known", { attributes: { colour: ["Black", "White"] } }, [0, 1, 2, 3, 4]],
    ["an attribute that is the category", { attributes: { category: ["Dress"] } }, [0, 1, 2]],
    ["conditions joined by and", { categories: ["Dress"], attributes: { colour: ["White"] }, items: ["a0", "a1"] }, [1]],
    ["nothing, for a value that the catalogue does not have", { categories: ["Coat"] }, []],
    ["nothing, for an attribute that the catalogue does not have", { attributes: { smell: ["sweet"] } }, []],
  ] as const)("%s", (_, where, items) => {
    expect(hiddenBy(where)).toEqual(items);
  });
});

const rules: readonly Rule[] = [
  { ...empty, name: "late", when: { from: 9e9 }, hide: [{ items: ["a0"] }] },
  {
    ...empty,
    name: "first",
    pin: [
      { item: "gone", position: 1 },
      { item: "b0", position: 2 },
    ],
    boost: [{ where: { categories: ["Dress", "Coat"] }, factor: 2 }],
  },
  {
    ...empty,
    name: "second",
    when: { surfaces: ["home"] },
    bury: [{ where: { items: ["gone", "a1"] }, factor: 2 }],
    pin: [{ item: "a0", position: 1 }],
  },
];

describe("rules of a request", () => {
  it("are those whose conditions hold, joined in the order of the file, without items that the release does not know", () => {
    const { names, pins, boosts, hides } = activeRules(compileRules(rules, catalog), queryOf());
    expect(names).toEqual(["first", "second"]);
    expect(pins).toEqual([
      { rule: "first", item: 3, position: 2 },
      { rule: "second", item: 0, position: 1 },
    ]);
    expect(boosts.map(({ rule, kind, logFactor }) => [rule, kind, logFactor])).toEqual([
      ["first", "boosted", Math.log(2)],
      ["second", "buried", -Math.log(2)],
    ]);
    expect(hides).toEqual([]);
  });

  it("tell what the catalogue does not have, once each", () => {
    expect(compileRules(rules, catalog).unknown).toEqual(['item "gone"', 'category "Coat"']);
  });

  it("are none where no condition holds", () => {
    expect(activeRules(compileRules(rules.slice(0, 1), catalog), queryOf())).toBe(noRules);
  });
});
