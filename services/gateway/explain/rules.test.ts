import { expect, it } from "vitest";
import { noRules } from "../rules/active-rules.ts";
import { queryOf } from "../test-shop.fixture.ts";
import { explainRules } from "./rules.ts";

const items = Int32Array.of(3, 0, 1);
const rules = {
  ...noRules,
  pins: [
    { rule: "top", item: 0, position: 1 },
    { rule: "far", item: 1, position: 13 },
  ],
  boosts: [
    { rule: "sale", kind: "boosted" as const, matches: (item: number) => item !== 3, logFactor: 1 },
    { rule: "sale", kind: "boosted" as const, matches: (item: number) => item === 1, logFactor: 1 },
    { rule: "old", kind: "buried" as const, matches: (item: number) => item === 1, logFactor: -1 },
  ],
};

it("names the rule of a pin that has its place, and every rule that moved a score, once", () => {
  const explain = explainRules(queryOf({ rules }), items);
  const told = (position: number) => {
    const { pinned, moved } = explain(position);
    return [...pinned, ...moved].map(({ kind, source, rule, text }) => [kind, source, rule, text]);
  };
  expect(told(0)).toEqual([]);
  expect(told(1)).toEqual([
    ["pinned", "rules", "top", "pinned by rule top"],
    ["boosted", "rules", "sale", "boosted by rule sale"],
  ]);
  expect(told(2)).toEqual([
    ["boosted", "rules", "sale", "boosted by rule sale"],
    ["buried", "rules", "old", "buried by rule old"],
  ]);
});
