/**
 * A release's catalogue with what the shop has said since. Every state is a catalogue of its own that is never changed: a request keeps the one that it
 * began with. Items that the release does not know stand behind its own, in the order in which they came, and keep their index.
 */

import { assert } from "#libs/core/errors.ts";
import type { AttributeColumn, Catalog } from "./catalog.ts";
import { type ItemWord, isWhole } from "./item-word.ts";
import { LayeredMap } from "./layered-map.ts";

/** A catalogue with the way back from external ids, and the shop's word on what may be listed. */
export interface NamedCatalog extends Catalog {
  readonly indexOf: ReadonlyMap<string, number>;
  /** 1: the shop says that it may be listed; -1: that it may not, or has withdrawn it; 0: nothing, [items]. Null: nothing was said of any. */
  readonly availability: Int8Array | null;
}

export interface CatalogOverlay<C extends NamedCatalog> {
  current(): C;
  /** What was said last of some items, each with all that was said of it before. O(items x columns that change), without any change nothing. */
  apply(words: readonly ItemWord[]): void;
}

type Column = Float32Array | Int32Array | Uint32Array | Int8Array;

/** Rows kept free behind a column that grew once, so that the next new items copy nothing. */
const spareRows = 1024;

/** Makes columns longer. What is behind a column belongs to whoever grows it next: no state that is older sees it. */
class Growing {
  readonly #own = new WeakSet<ArrayBufferLike>();

  /** A copy, 0 behind the values. */
  copy<A extends Column>(values: A, length: number): A {
    const type = values.constructor as new (length: number) => A;
    const room = new type(length + spareRows);
    room.set(values);
    this.#own.add(room.buffer);
    return room.subarray(0, length) as A;
  }

  /** The same values where there is room behind them: only what is behind may be written. */
  grown<A extends Column>(values: A, length: number): A {
    const { buffer, BYTES_PER_ELEMENT } = values;
    if (length === values.length) return values;
    if (!this.#own.has(buffer) || buffer.byteLength < length * BYTES_PER_ELEMENT) return this.copy(values, length);
    return new (values.constructor as new (room: ArrayBufferLike, at: number, length: number) => A)(buffer, 0, length);
  }
}

/** A dictionary column under construction: nothing that an older state sees is written. */
class ColumnDraft {
  readonly #codeOf: () => Map<string, number>;
  readonly #before: AttributeColumn;
  readonly #growing: Growing;
  #values: string[] | null = null;
  #codes: Int32Array;
  #isCopy = false;

  constructor(before: AttributeColumn, codeOf: () => Map<string, number>, itemCount: number, growing: Growing) {
    [this.#before, this.#codeOf, this.#growing] = [before, codeOf, growing];
    this.#codes = growing.grown(before.codes, itemCount);
    this.#codes.fill(-1, before.codes.length);
  }

  /** Empty: not known. */
  set(item: number, value: string): void {
    const code = value === "" ? -1 : this.#code(value);
    if (this.#codes[item] === code) return;
    if (item < this.#before.codes.length && !this.#isCopy) {
      this.#codes = this.#growing.copy(this.#codes, this.#codes.length);
      this.#isCopy = true;
    }
    this.#codes[item] = code;
  }

  #code(value: string): number {
    const codeOf = this.#codeOf();
    const known = codeOf.get(value);
    if (known !== undefined) return known;
    this.#values ??= [...this.#before.values];
    codeOf.set(value, this.#values.length);
    return this.#values.push(value) - 1;
  }

  column(): AttributeColumn {
    const { name, values } = this.#before;
    return { name, values: this.#values ?? values, codes: this.#codes };
  }
}

/** Of one word; of a withdrawn or new item, too. */
const listed = ({ withdrawn, available }: ItemWord): number => (withdrawn || available === false ? -1 : available === true ? 1 : 0);

/** What `released` is overlaid with is lost with the overlay; codes of values that it knows stay those of the release. */
export function createOverlay<C extends NamedCatalog>(released: C): CatalogOverlay<C> {
  let current = released;
  /** Of each column by its place, made when a word names a value. */
  const dictionaries = new Map<string, Map<string, number>>();
  const growing = new Growing();
  let added: ReadonlyMap<string, number> = new Map();

  const draft = (place: string, column: AttributeColumn, itemCount: number): ColumnDraft => {
    const codeOf = (): Map<string, number> => {
      const known = dictionaries.get(place) ?? new Map(column.values.map((value, code) => [value, code]));
      dictionaries.set(place, known);
      return known;
    };
    return new ColumnDraft(column, codeOf, itemCount, growing);
  };
  const addNew = (words: readonly ItemWord[]): readonly string[] => {
    const fresh = new Set(words.filter((word) => isWhole(word) && !current.indexOf.has(word.itemId)).map(({ itemId }) => itemId));
    if (fresh.size > 0) added = new Map([...added, ...[...fresh].map((id, i) => [id, current.itemCount + i] as const)]);
    return [...fresh];
  };
  const apply = (words: readonly ItemWord[]): void => {
    const fresh = addNew(words);
    const indexOf = fresh.length > 0 ? new LayeredMap(released.indexOf, added) : current.indexOf;
    const placed = words.flatMap((word) => {
      const item = indexOf.get(word.itemId);
      return item === undefined ? [] : [{ item, word }];
    });
    if (placed.length === 0) return;
    const itemCount = current.itemCount + fresh.length;
    const says = (named: (word: ItemWord) => unknown): boolean => fresh.length > 0 || words.some((word) => named(word) !== null);
    const names = says(({ name }) => name) ? current.names.slice() : current.names;
    const texts = says(({ text }) => text) ? current.texts.slice() : current.texts;
    const prices = says(({ price }) => price) ? growing.copy(current.prices, itemCount) : current.prices;
    const availability = growing.copy(current.availability ?? new Int8Array(current.itemCount), itemCount);
    const category = draft("category", current.category, itemCount);
    const productGroup = draft("product_group", current.productGroup, itemCount);
    const attributes = current.attributes.map((column) => draft(`attribute ${column.name}`, column, itemCount));
    for (const { item, word } of placed) {
      if (word.name !== null) (names as string[])[item] = word.name;
      if (word.text !== null) (texts as string[])[item] = word.text;
      if (word.price !== null) prices[item] = word.price;
      availability[item] = listed(word);
      if (word.category !== null) category.set(item, word.category);
      const isNew = item >= released.itemCount;
      if (word.productGroup !== null || isNew) productGroup.set(item, word.productGroup ?? word.itemId);
      current.attributes.forEach(({ name }, a) => {
        if (Object.hasOwn(word.attributes, name)) attributes[a]!.set(item, word.attributes[name]!);
      });
    }
    current = {
      ...current,
      itemCount,
      indexOf,
      ids: fresh.length > 0 ? [...current.ids, ...fresh] : current.ids,
      names,
      texts,
      prices,
      availability,
      category: category.column(),
      productGroup: productGroup.column(),
      attributes: attributes.map((column) => column.column()),
      firstSaleSeconds: growing.grown(current.firstSaleSeconds, itemCount),
      lastSaleSeconds: growing.grown(current.lastSaleSeconds, itemCount),
    };
    assert(current.ids.length === itemCount, "catalogue overlay: every new item has an id");
  };
  return { current: () => current, apply };
}
