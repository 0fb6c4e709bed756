import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeWord, readWord } from "./codec.ts";
import { type ItemUpdate, type ItemWord, itemProblem, mergeWords, unsaid } from "./item-word.ts";

const rules = { attributes: ["colour", "size"], known: null };
const whole: ItemUpdate = { ...unsaid("i1"), name: "Hat", category: "Hats", price: 9.5, attributes: { colour: "Red" } };
const reasonOf = (update: Partial<ItemUpdate>, known: Pick<ItemUpdate, "name" | "category"> | null = null): string =>
  itemProblem({ ...whole, ...update }, { ...rules, known })?.reason ?? "";
const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`a${i}`, "x"]));

describe("an update", () => {
  it.each<[string, Partial<ItemUpdate>, string]>([
    ["a whole new item", {}, ""],
    ["no id", { itemId: "" }, "no_item"],
    ["an id without end", { itemId: "x".repeat(257) }, "bad_item_id"],
    ["control characters", { itemId: "a\nb" }, "bad_item_id"],
    ["a new item without a name", { name: null }, "incomplete_item"],
    ["a new item without a category", { category: null }, "incomplete_item"],
    ["an empty name", { name: "" }, "bad_name"],
    ["a long name", { name: "é".repeat(257) }, "bad_name"],
    ["an empty category", { category: "" }, "bad_category"],
    ["a product group without end", { productGroup: "x".repeat(257) }, "bad_product_group"],
    ["a negative price", { price: -1 }, "bad_price"],
    ["a price that is no number", { price: Number.NaN }, "bad_price"],
    ["a price without end", { price: Number.POSITIVE_INFINITY }, "bad_price"],
    ["an attribute that the catalogue does not have", { attributes: { smell: "fresh" } }, "unknown_attribute"],
    ["an attribute of every object", { attributes: { constructor: "x" } }, "unknown_attribute"],
    ["a value without end", { attributes: { colour: "x".repeat(257) } }, "bad_attribute"],
    ["a value that clears", { attributes: { colour: "" } }, ""],
    ["too many attributes", { attributes: many }, "too_many_attributes"],
    ["a long text", { text: "x".repeat((16 << 10) + 1) }, "bad_text"],
    ["half a character", { text: "\ud800" }, "bad_text"],
  ])("%s", (_, update, reason) => {
    expect(reasonOf(update)).toBe(reason);
  });

  it("of a known item may leave out anything", () => {
    expect(reasonOf({ ...unsaid("i1"), price: 3 }, { name: "Hat", category: "Hats" })).toBe("");
    expect(reasonOf({ ...unsaid("i1"), name: "Hat" }, { name: null, category: "Hats" })).toBe("");
    expect(reasonOf({ ...unsaid("i1"), price: 3 }, { name: null, category: "Hats" })).toBe("incomplete_item");
  });
});

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary);
const words: fc.Arbitrary<ItemWord> = fc.record({
  itemId: fc.constant("i1"),
  name: optional(fc.constantFrom("a", "größe 綿")),
  category: optional(fc.constantFrom("x", "y")),
  productGroup: optional(fc.constantFrom("g", "h")),
  price: optional(fc.constantFrom(0, 1.25, 1e6)),
  available: optional(fc.boolean()),
  attributes: fc.dictionary(fc.constantFrom("colour", "size"), fc.constantFrom("", "red", "S")),
  text: optional(fc.constantFrom("", "long words")),
  withdrawn: fc.boolean(),
  changeId: fc.uuid(),
  timeSeconds: fc.nat(),
});

describe("what was said", () => {
  it("is written down and read as it is", () => {
    fc.assert(
      fc.property(words, (word) => {
        expect(readWord(encodeWord(word))).toEqual({ word });
      }),
    );
  });

  it("comes to the same however it is joined, and the last word of each field counts", () => {
    fc.assert(
      fc.property(words, words, words, (a, b, c) => {
        expect(mergeWords(mergeWords(a, b), c)).toEqual(mergeWords(a, mergeWords(b, c)));
        const { price, withdrawn } = mergeWords(mergeWords(a, b), c);
        expect([price, withdrawn]).toEqual([c.price ?? b.price ?? a.price, c.withdrawn]);
      }),
    );
  });

  it("is told from bytes that are none, and from what nobody could hold", () => {
    expect(readWord(Uint8Array.of(255, 255, 1))).toEqual({ cause: expect.stringContaining("not an item change") });
    expect(readWord(new Uint8Array())).toEqual({ cause: "item_id is empty" });
    const word: ItemWord = { ...whole, price: -1, withdrawn: false, changeId: "c", timeSeconds: 1 };
    expect(readWord(encodeWord(word))).toEqual({ cause: expect.stringContaining("price") });
  });
});
