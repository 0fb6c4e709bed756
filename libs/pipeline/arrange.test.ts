import fc from "fast-check";
import { expect, it } from "vitest";
import { arrange, type ItemTraits, marginalRelevance } from "./arrange.ts";

const traits: ItemTraits = {
  groups: Int32Array.of(0, 0, 0, 1, 1, 2),
  categories: Int32Array.of(0, 0, 0, 0, 1, 1),
  columns: [Int32Array.of(0, 0, 1, 1, 2, 2)],
};
const items = Int32Array.of(0, 1, 2, 3, 4, 5);
const order = Int32Array.of(0, 1, 2, 3, 4, 5);

it("caps groups and categories in order", () => {
  expect([...arrange(items, traits, order, 3, { groupMax: 1, categoryMax: 0, diversity: 0 })]).toEqual([0, 3, 5]);
  expect([...arrange(items, traits, order, 4, { groupMax: 0, categoryMax: 2, diversity: 0 })]).toEqual([0, 1, 4, 5]);
});

it("counts what is listed already against the caps", () => {
  expect([...arrange(items, traits, order, 2, { groupMax: 1, categoryMax: 0, diversity: 0 }, [1])]).toEqual([3, 5]);
});

it("by marginal relevance passes over an item like the one chosen", () => {
  // Item 1 agrees with item 0 in the only column (likeness 1), item 2 does not.
  expect([...marginalRelevance(items, traits, order, 2, 0.5)]).toEqual([0, 2]);
  expect([...marginalRelevance(items, traits, order, 3, 0)]).toEqual([0, 1, 2]);
});

it("is full whenever there are enough candidates, without doubles, whatever the settings", () => {
  const settings = fc.record({ groupMax: fc.nat(3), categoryMax: fc.nat(3), diversity: fc.constantFrom(0, 0.3, 1) });
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5]), fc.integer({ min: 1, max: 8 }), settings, (positions, limit, chosen) => {
      const list = arrange(items, traits, Int32Array.from(positions), limit, chosen);
      expect(list.length).toBe(Math.min(limit, positions.length));
      expect(new Set(list).size).toBe(list.length);
      expect([...list].every((position) => positions.includes(position))).toBe(true);
    }),
  );
});
