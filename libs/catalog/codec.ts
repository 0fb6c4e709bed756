/** What is said of items, to and from the contract's messages. */

import { ItemChange, type ItemUpdate as ItemUpdateMessage } from "#protos/catalog.ts";
import { type ItemUpdate, type ItemWord, unsaid, updateProblem } from "./item-word.ts";

export function updateFromProto(message: ItemUpdateMessage): ItemUpdate {
  const { itemId, name, category, productGroup, price, available, attributes, text } = message;
  return {
    itemId,
    name: name ?? null,
    category: category ?? null,
    productGroup: productGroup ?? null,
    price: price ?? null,
    available: available ?? null,
    attributes: { ...attributes },
    text: text ?? null,
  };
}

export function encodeWord({ changeId, withdrawn, timeSeconds, ...update }: ItemWord): Uint8Array {
  const item: ItemUpdateMessage = {
    itemId: update.itemId,
    name: update.name ?? undefined,
    category: update.category ?? undefined,
    productGroup: update.productGroup ?? undefined,
    price: update.price ?? undefined,
    available: update.available ?? undefined,
    attributes: { ...update.attributes },
    text: update.text ?? undefined,
  };
  return ItemChange.encode({ changeId, item, withdrawn, timeSeconds: Math.floor(timeSeconds) }).finish();
}

/** The word, or why the bytes are none: also one that the gateway would have refused, whoever wrote it. */
export function readWord(bytes: Uint8Array): { readonly word: ItemWord } | { readonly cause: string } {
  try {
    const { changeId, item, withdrawn, timeSeconds } = ItemChange.decode(bytes);
    const update = item === undefined ? unsaid("") : updateFromProto(item);
    const problem = updateProblem(update);
    return problem ? { cause: problem.message } : { word: { ...update, changeId, withdrawn, timeSeconds } };
  } catch (cause) {
    return { cause: `not an item change: ${(cause as Error).message}` };
  }
}
