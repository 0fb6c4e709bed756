/** What the shop says of its items: every one has its own result, and an accepted one is durable, and seen here, before its caller hears of it. */

import { randomUUID } from "node:crypto";
import { type BusRecord, type EventBus, topics } from "#libs/bus/bus.ts";
import { encodeWord, updateFromProto } from "#libs/catalog/codec.ts";
import { type ItemUpdate, type ItemWord, itemBatchMax, itemProblem, mergeWords, unsaid } from "#libs/catalog/item-word.ts";
import { invalid, ModisteError } from "#libs/core/errors.ts";
import { idProblem } from "#libs/events/limits.ts";
import type { LiveCatalog } from "#libs/serve/live-catalog.ts";
import { traceHeaders } from "#libs/telemetry/trace-context.ts";
import type { DeleteItemRequest, DeleteItemResponse, ItemResult, UpsertItemsRequest, UpsertItemsResponse } from "#protos/recommender.ts";
import type { GatewayRelease } from "../release.ts";

export interface ItemIntake {
  readonly bus: Pick<EventBus, "publish">;
  readonly live: Pick<LiveCatalog, "words" | "untilSeen">;
  /** The wall clock, seconds since 1970 UTC. */
  readonly nowSeconds: () => number;
}

/** Longest wait for a change to come back through the change log, milliseconds. What was said is durable all the same. */
const seenMsMax = 1_000;

async function publishWords(words: readonly ItemWord[], { bus, live }: ItemIntake): Promise<void> {
  if (words.length === 0) return;
  const headers = traceHeaders();
  const records = words.map((word): BusRecord => ({ key: word.itemId, value: encodeWord(word), headers }));
  await bus.publish(topics.catalog, records, { untilApplied: true });
  await live.untilSeen(new Map(words.map(({ itemId, changeId }) => [itemId, changeId])), seenMsMax);
}

const word = (update: ItemUpdate, withdrawn: boolean, { nowSeconds }: ItemIntake): ItemWord => ({
  ...update,
  withdrawn,
  changeId: randomUUID(),
  timeSeconds: nowSeconds(),
});

/** What is known of an item besides an update: of the release, of what was said before. */
function knownOf(id: string, { catalog }: GatewayRelease, said: ItemWord | undefined): Pick<ItemUpdate, "name" | "category"> | null {
  const item = catalog.indexOf.get(id);
  // An item of the catalogue is known, whether or not its data name it.
  return item === undefined ? (said ?? null) : { name: id, category: id };
}

/** Throws `invalid_argument` for an empty or too large batch; whatever the bus throws when it cannot take the changes. */
export async function upsertItems(
  { items }: UpsertItemsRequest,
  release: GatewayRelease,
  intake: ItemIntake,
): Promise<UpsertItemsResponse> {
  if (items.length === 0) throw invalid("items", "needs at least one item");
  if (items.length > itemBatchMax)
    throw invalid("items", `has ${items.length} entries, at most ${itemBatchMax} are taken`, "batch_too_large");
  const attributes = release.catalog.attributes.map(({ name }) => name);
  const said = new Map<string, ItemWord>();
  const words: ItemWord[] = [];
  const results = items.map((message): ItemResult => {
    const update = updateFromProto(message);
    const { itemId } = update;
    const before = said.get(itemId) ?? intake.live.words.get(itemId);
    const problem = itemProblem(update, { attributes, known: knownOf(itemId, release, before) });
    if (problem) return { itemId, accepted: false, ...problem };
    const change = word(update, false, intake);
    said.set(itemId, mergeWords(before ?? null, change));
    words.push(change);
    return { itemId, accepted: true, reason: "", message: "" };
  });
  await publishWords(words, intake);
  return { results, accepted: words.length };
}

/** Throws `invalid_argument` for what is no id, `not_found` for an item that is not known; whatever the bus throws. */
export async function deleteItem({ itemId }: DeleteItemRequest, release: GatewayRelease, intake: ItemIntake): Promise<DeleteItemResponse> {
  const problem = idProblem(itemId);
  if (problem) throw invalid("item_id", problem);
  if (!release.catalog.indexOf.has(itemId) && !intake.live.words.has(itemId))
    throw new ModisteError("not_found", "unknown_item", `item_id: no item "${itemId}" in the catalogue`, { field: "item_id" });
  await publishWords([word(unsaid(itemId), true, intake)], intake);
  return {};
}
