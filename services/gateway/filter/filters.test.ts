import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noFilter } from "#libs/catalog/filter.ts";
import { surfaces } from "#libs/pipeline/surfaces.ts";
import type { GatewayQuery } from "../query.ts";
import { noRules } from "../rules/active-rules.ts";
import { historyOf, queryOf, sixItems } from "../test-shop.fixture.ts";
import { available } from "./available.ts";
import { disliked } from "./disliked.ts";
import { hidden } from "./hidden.ts";
import { requested } from "./requested.ts";
import { seen } from "./seen.ts";

const all = [0, 1, 2, 3, 4, 5];

function kept(filter: typeof seen, query: GatewayQuery): number[] {
  const keep = filter.keep(query);
  return keep === null ? all : all.filter(keep);
}

describe("available", () => {
  it("drops an item without a sale for 60 days and keeps one that was never sold", () => {
    expect(kept(available, queryOf())).toEqual([0, 1, 2, 3, 5]);
  });

  it("keeps what sold again after the data ended", () => {
    expect(kept(available, queryOf({ release: { ...sixItems(), soldSince: () => new Set([4]) } }))).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("requested", () => {
  it("keeps everything without a filter", () => {
    expect(requested.keep(queryOf())).toBeNull();
  });
  it("joins category, attribute and price by and", () => {
    const filter = { ...noFilter, categories: ["Dress"], attributes: [{ attribute: "colour", values: ["Black"] }], priceMax: 11 };
    expect(kept(requested, queryOf({ filter }))).toEqual([0]);
  });
  it("fails an item of unknown price under any price bound", () => {
    expect(kept(requested, queryOf({ filter: { ...noFilter, priceMin: 1 } }))).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("seen", () => {
  const history = historyOf(["a0", "purchase", 3], ["a1", "cart", 2], ["b0", "view", 1]);
  it("keeps all on the home surface: basics are bought again", () => {
    expect(seen.keep(queryOf({ history }))).toBeNull();
  });
  it("drops what was bought on the product surface", () => {
    expect(kept(seen, queryOf({ history, surface: surfaces.product }))).toEqual([1, 2, 3, 4, 5]);
  });
  it("drops what was bought, put into the basket or looked at on the basket surface", () => {
    expect(kept(seen, queryOf({ history, surface: surfaces.basket }))).toEqual([2, 4, 5]);
  });
  it("drops the item that similar items are asked for", () => {
    expect(kept(seen, queryOf({ kind: "similar", seedItemIds: ["a0"], surface: surfaces.product }))).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("disliked", () => {
  it("drops a disliked item until the dislike is taken back", () => {
    expect(kept(disliked, queryOf({ history: historyOf(["a0", "dislike", 2]) }))).toEqual([1, 2, 3, 4, 5]);
    expect(kept(disliked, queryOf({ history: historyOf(["a0", "dislike", 2], ["a0", "remove", 1]) }))).toEqual(all);
    expect(kept(disliked, queryOf({ history: historyOf(["a0", "dislike", 2], ["a0", "like", 1]) }))).toEqual(all);
  });
});

describe("hidden", () => {
  it("drops what any rule hides, and keeps everything without one", () => {
    expect(hidden.keep(queryOf())).toBeNull();
    const hides = [(item: number) => item === 1, (item: number) => item > 3];
    expect(kept(hidden, queryOf({ rules: { ...noRules, hides } }))).toEqual([0, 2, 3]);
  });
});

it("every filter is idempotent and never depends on the order of the items", () => {
  const { catalog } = sixItems();
  const types = fc.constantFrom("view", "cart", "purchase", "like", "dislike", "remove") as fc.Arbitrary<"view">;
  const histories = fc.array(fc.tuple(fc.constantFrom(...catalog.ids), types, fc.nat(90)), { maxLength: 12 });
  fc.assert(
    fc.property(histories, fc.constantFrom(...Object.values(surfaces)), (events, surface) => {
      const query = queryOf({ history: historyOf(...events), surface });
      for (const filter of [available, requested, seen, disliked]) {
        const keep = filter.keep(query);
        if (keep === null) continue;
        const once = all.filter(keep);
        expect(once.filter(keep)).toEqual(once);
        expect([...all].reverse().filter(keep)).toEqual([...once].reverse());
      }
    }),
  );
});
