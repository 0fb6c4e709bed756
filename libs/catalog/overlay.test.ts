import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AttributeColumn, Catalog } from "./catalog.ts";
import { compileFilter, createFilterCache, evaluateFilter, type ItemFilter, noFilter } from "./filter.ts";
import { type ItemWord, isWhole, mergeWords, unsaid } from "./item-word.ts";
import { createOverlay, type NamedCatalog } from "./overlay.ts";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly category: string;
  readonly group: string;
  readonly colour: string;
  readonly price: number;
  readonly availability: number;
}

function columnOf(name: string, values: readonly string[]): AttributeColumn {
  const known = [...new Set(values.filter((value) => value !== ""))];
  return { name, values: known, codes: Int32Array.from(values, (value) => known.indexOf(value)) };
}

/** A catalogue made from scratch. */
function catalogOf(rows: readonly Row[], said: boolean): NamedCatalog {
  return {
    itemCount: rows.length,
    ids: rows.map(({ id }) => id),
    names: rows.map(({ name }) => name),
    texts: [],
    category: columnOf(
      "category",
      rows.map(({ category }) => category),
    ),
    productGroup: columnOf(
      "group",
      rows.map(({ group }) => group),
    ),
    attributes: [
      columnOf(
        "colour",
        rows.map(({ colour }) => colour),
      ),
    ],
    prices: Float32Array.from(rows, ({ price }) => price),
    firstSaleSeconds: new Uint32Array(rows.length),
    lastSaleSeconds: new Uint32Array(rows.length),
    indexOf: new Map(rows.map(({ id }, item) => [id, item])),
    availability: said ? Int8Array.from(rows, ({ availability }) => availability) : null,
  };
}

const released: readonly Row[] = [
  { id: "a", name: "A", category: "x", group: "g", colour: "red", price: 1, availability: 0 },
  { id: "b", name: "B", category: "x", group: "g", colour: "blue", price: 2, availability: 0 },
  { id: "c", name: "C", category: "y", group: "h", colour: "", price: 0, availability: 0 },
];

const maybe = <T>(...values: readonly T[]): fc.Arbitrary<T | null> => fc.constantFrom(null, ...values);
const words: fc.Arbitrary<ItemWord> = fc.record({
  itemId: fc.constantFrom("a", "b", "c", "new-1", "new-2", "new-3"),
  name: maybe("N", "M"),
  category: maybe("x", "y", "z"),
  productGroup: maybe("g", "k"),
  price: maybe(0, 1, 3, 4.5),
  available: maybe(true, false),
  attributes: fc.constantFrom<Record<string, string>>({}, { colour: "red" }, { colour: "green" }, { colour: "" }, { unheard: "of" }),
  text: maybe("words"),
  withdrawn: fc.boolean(),
  changeId: fc.constant("c"),
  timeSeconds: fc.constant(1),
});
const filters: fc.Arbitrary<ItemFilter> = fc.record({
  categories: fc.subarray(["x", "y", "z"]),
  attributes: fc.array(
    fc.record({ attribute: fc.constantFrom("colour", "group"), values: fc.subarray(["red", "green", "g", "new-1"], { minLength: 1 }) }),
    { maxLength: 2 },
  ),
  priceMin: fc.constantFrom(0, 2),
  priceMax: fc.constantFrom(0, 3),
});

/** The rows after what was said, by a plain reading of it: new items in the order in which they became whole. */
function rowsAfter(held: ReadonlyMap<string, ItemWord>, order: readonly string[]): Row[] {
  const news = order.map((id): Row => ({ id, name: "", category: "", group: id, colour: "", price: 0, availability: 0 }));
  return [...released, ...news].map((row) => {
    const word = held.get(row.id);
    if (!word) return row;
    return {
      id: row.id,
      name: word.name ?? row.name,
      category: word.category ?? row.category,
      group: word.productGroup ?? row.group,
      colour: word.attributes.colour ?? row.colour,
      price: word.price ?? row.price,
      availability: word.withdrawn || word.available === false ? -1 : word.available === true ? 1 : 0,
    };
  });
}

const shown = ({ ids, names, prices, category, productGroup, attributes, availability, itemCount }: NamedCatalog): unknown =>
  Array.from({ length: itemCount }, (_, item) => ({
    id: ids[item],
    name: names[item],
    price: prices[item],
    availability: availability?.[item] ?? 0,
    values: [category, productGroup, ...attributes].map(({ values, codes }) => values[codes[item]!] ?? ""),
  }));

const filtered = (catalog: Catalog, filter: ItemFilter): number[] => [...evaluateFilter(catalog, compileFilter(catalog, filter)).items];

describe("a catalogue overlaid with what was said", () => {
  it("equals one made from scratch, and so do its filters, after every batch", () => {
    fc.assert(
      fc.property(fc.array(fc.array(words, { maxLength: 4 }), { maxLength: 6 }), filters, (batches, filter) => {
        const overlay = createOverlay(catalogOf(released, false));
        const held = new Map<string, ItemWord>();
        const order: string[] = [];
        let said = false;
        for (const batch of batches) {
          const changed = new Set<string>();
          for (const word of batch) {
            held.set(word.itemId, mergeWords(held.get(word.itemId) ?? null, word));
            changed.add(word.itemId);
          }
          for (const id of changed) if (id.startsWith("new") && !order.includes(id) && isWhole(held.get(id)!)) order.push(id);
          overlay.apply(Array.from(changed, (id) => held.get(id)!));
          said ||= [...changed].some((id) => !id.startsWith("new") || order.includes(id));
          const expected = catalogOf(rowsAfter(held, order), said);
          expect(shown(overlay.current())).toEqual(shown(expected));
          expect(filtered(overlay.current(), filter)).toEqual(filtered(expected, filter));
          expect([...overlay.current().indexOf]).toEqual([...expected.indexOf]);
        }
      }),
    );
  });

  it("leaves every state before as it was", () => {
    const overlay = createOverlay(catalogOf(released, false));
    const states: { catalog: NamedCatalog; seen: unknown }[] = [];
    const say = (word: Partial<ItemWord> & { itemId: string }): void => {
      states.push({ catalog: overlay.current(), seen: structuredClone(shown(overlay.current())) });
      overlay.apply([{ ...unsaid(word.itemId), withdrawn: false, changeId: "c", timeSeconds: 1, ...word }]);
    };
    say({ itemId: "a", price: 7, category: "hats", attributes: { colour: "green" } });
    say({ itemId: "new", name: "New", category: "hats", price: 5 });
    say({ itemId: "new", name: "Newer", category: "x", withdrawn: true });
    say({ itemId: "b", available: false, name: "Bee" });
    for (const { catalog, seen } of states) expect(shown(catalog)).toEqual(seen);
    expect(overlay.current().names).toEqual(["A", "Bee", "C", "Newer"]);
  });

  it("of which nothing was said is the release's own", () => {
    const catalog = catalogOf(released, false);
    const overlay = createOverlay(catalog);
    overlay.apply([{ ...unsaid("unheard"), price: 5, withdrawn: false, changeId: "c", timeSeconds: 1 }]);
    expect(overlay.current()).toBe(catalog);
    expect(createFilterCache(overlay.current())(noFilter)).toBeNull();
  });
});
