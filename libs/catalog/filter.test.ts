import fc from "fast-check";
import { expect, it } from "vitest";
import type { Catalog } from "./catalog.ts";
import { compileFilter, createFilterCache, evaluateFilter, type ItemFilter, noFilter } from "./filter.ts";

const catalog: Catalog = {
  itemCount: 5,
  ids: ["a", "b", "c", "d", "e"],
  names: [],
  texts: [],
  category: { name: "category", values: ["x", "y"], codes: Int32Array.of(0, 0, 1, 1, -1) },
  productGroup: { name: "group", values: ["g"], codes: Int32Array.of(0, 0, 0, 0, 0) },
  attributes: [{ name: "colour", values: ["red", "blue"], codes: Int32Array.of(0, 1, 0, 1, -1) }],
  prices: Float32Array.of(1, 2, 3, 4, 0),
  firstSaleSeconds: new Uint32Array(5),
  lastSaleSeconds: new Uint32Array(5),
};

const filters: fc.Arbitrary<ItemFilter> = fc.record({
  categories: fc.subarray(["x", "y", "nowhere"]),
  attributes: fc.array(fc.record({ attribute: fc.constant("colour"), values: fc.subarray(["red", "blue", "green"], { minLength: 1 }) }), {
    maxLength: 2,
  }),
  priceMin: fc.constantFrom(0, 2),
  priceMax: fc.constantFrom(0, 3),
});

function passes(filter: ItemFilter, item: number): boolean {
  const inCategory =
    filter.categories.length === 0 || filter.categories.includes(catalog.category.values[catalog.category.codes[item]!] ?? "");
  const colour = catalog.attributes[0]!.values[catalog.attributes[0]!.codes[item]!] ?? "";
  const inAttributes = filter.attributes.every(({ values }) => values.includes(colour));
  const price = catalog.prices[item]!;
  const bounded = filter.priceMin > 0 || filter.priceMax > 0;
  const inPrice = !bounded || (price > 0 && price >= filter.priceMin && (filter.priceMax === 0 || price <= filter.priceMax));
  return inCategory && inAttributes && inPrice;
}

it("agrees with the plain reading of its conditions, and mask and list agree", () => {
  fc.assert(
    fc.property(filters, (filter) => {
      const { mask, items } = evaluateFilter(catalog, compileFilter(catalog, filter));
      const expected = [0, 1, 2, 3, 4].filter((item) => passes(filter, item));
      expect([...items]).toEqual(expected);
      expect([...mask].flatMap((bit, item) => (bit === 1 ? [item] : []))).toEqual(expected);
    }),
  );
});

it("remembers the last filters only, and answers null for no filter", () => {
  const allowed = createFilterCache(catalog, 1);
  expect(allowed(noFilter)).toBeNull();
  const first = allowed({ ...noFilter, priceMin: 2 });
  expect(allowed({ ...noFilter, priceMin: 2 })).toBe(first);
  allowed({ ...noFilter, priceMin: 3 });
  expect(allowed({ ...noFilter, priceMin: 2 })).not.toBe(first);
});
