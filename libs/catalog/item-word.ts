/** What a shop says of an item between two releases: single changes, what they come to, and which of them may be taken. */

import { idProblem } from "#libs/events/limits.ts";

/** A field that is null stays as it was; so does an attribute that is not named. An empty attribute says that it is not known. */
export interface ItemUpdate {
  readonly itemId: string;
  readonly name: string | null;
  readonly category: string | null;
  readonly productGroup: string | null;
  /** In the shop's unit; 0: not known. */
  readonly price: number | null;
  readonly available: boolean | null;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string | null;
}

/** One change, or all that was said of an item so far: the last word of each field. */
export interface ItemWord extends ItemUpdate {
  readonly withdrawn: boolean;
  /** Of the latest change. */
  readonly changeId: string;
  /** When the latest change was said, seconds since 1970 UTC. */
  readonly timeSeconds: number;
}

/** Most items of one call. */
export const itemBatchMax = 1000;
/** Most attributes of an item. */
export const itemAttributesMax = 32;
const nameBytesMax = 512;
const textBytesMax = 16 << 10;
/** Prices are held in 32 bits; beyond this they are a mistake. */
const priceMax = 1e9;

/** An update that says nothing. */
export const unsaid = (itemId: string): ItemUpdate => ({
  itemId,
  name: null,
  category: null,
  productGroup: null,
  price: null,
  available: null,
  attributes: {},
  text: null,
});

/** All that is said after `change`. A withdrawal keeps what was said before it; whatever is said after it brings the item back. */
export function mergeWords(held: ItemWord | null, change: ItemWord): ItemWord {
  if (held === null) return change;
  return {
    itemId: change.itemId,
    name: change.name ?? held.name,
    category: change.category ?? held.category,
    productGroup: change.productGroup ?? held.productGroup,
    price: change.price ?? held.price,
    available: change.available ?? held.available,
    attributes: { ...held.attributes, ...change.attributes },
    text: change.text ?? held.text,
    withdrawn: change.withdrawn,
    changeId: change.changeId,
    timeSeconds: change.timeSeconds,
  };
}

/** Whether enough is said to show an item that no release knows. */
export const isWhole = ({ name, category }: Pick<ItemUpdate, "name" | "category">): boolean =>
  name !== null && name !== "" && category !== null && category !== "";

export interface ItemProblem {
  /** A stable word, such as "unknown_attribute". */
  readonly reason: string;
  /** For a person; names the field. */
  readonly message: string;
}

const problem = (reason: string, message: string): ItemProblem => ({ reason, message });

function textProblem(field: string, text: string | null, bytesMax: number): ItemProblem | null {
  if (text === null) return null;
  if (Buffer.byteLength(text, "utf8") > bytesMax) return problem(`bad_${field}`, `${field} is longer than ${bytesMax} bytes`);
  return text.isWellFormed() ? null : problem(`bad_${field}`, `${field} is not well-formed Unicode`);
}

function wordProblem(field: string, text: string | null): ItemProblem | null {
  const found = text === null ? null : idProblem(text);
  return found === null ? null : problem(`bad_${field}`, `${field} ${found}`);
}

function priceProblem(price: number | null): ItemProblem | null {
  if (price === null || (Number.isFinite(price) && price >= 0 && price <= priceMax)) return null;
  return problem("bad_price", `price must be a number from 0 to ${priceMax}`);
}

function attributesProblem(attributes: ItemUpdate["attributes"]): ItemProblem | null {
  const named = Object.entries(attributes);
  if (named.length > itemAttributesMax)
    return problem("too_many_attributes", `attributes has ${named.length} entries, at most ${itemAttributesMax} are taken`);
  for (const [name, value] of named) {
    const found = idProblem(name) ?? idProblem(value, { optional: true });
    if (found !== null) return problem("bad_attribute", `attributes.${name.slice(0, 64)} ${found}`);
  }
  return null;
}

/** Why an update cannot be held by anybody, null when it can. */
export function updateProblem(update: ItemUpdate): ItemProblem | null {
  const id = idProblem(update.itemId);
  if (id !== null) return problem(update.itemId === "" ? "no_item" : "bad_item_id", `item_id ${id}`);
  return (
    (update.name === "" ? problem("bad_name", "name is empty") : textProblem("name", update.name, nameBytesMax)) ??
    wordProblem("category", update.category) ??
    wordProblem("product_group", update.productGroup) ??
    priceProblem(update.price) ??
    attributesProblem(update.attributes) ??
    textProblem("text", update.text, textBytesMax)
  );
}

export interface ItemRules {
  /** Names of the catalogue's attributes. */
  readonly attributes: readonly string[];
  /** What is known of the item besides: everything of an item of the release, nothing of a new one. */
  readonly known: Pick<ItemUpdate, "name" | "category"> | null;
}

/** Whether a catalogue can take the update. Answers null when it can. */
export function itemProblem(update: ItemUpdate, { attributes, known }: ItemRules): ItemProblem | null {
  const unheld = updateProblem(update);
  if (unheld !== null) return unheld;
  const unknown = Object.keys(update.attributes).find((name) => !attributes.includes(name));
  if (unknown !== undefined) {
    const names = attributes.join(", ");
    return problem("unknown_attribute", `attributes: "${unknown.slice(0, 64)}" is no attribute of this catalogue; known are ${names}`);
  }
  const name = update.name ?? known?.name ?? null;
  const category = update.category ?? known?.category ?? null;
  if (known !== null && isWhole(known)) return null;
  return isWhole({ name, category }) ? null : problem("incomplete_item", "item_id is new: name and category are needed");
}
