/** The consumer of the catalogue's topic: what is said of items becomes the numbered change log that every replica follows. */

import { type BusRecord, type ConsumedBatch, type EventBus, topics } from "#libs/bus/bus.ts";
import { encodeWord, readWord } from "#libs/catalog/codec.ts";
import { type ItemWord, mergeWords } from "#libs/catalog/item-word.ts";
import type { ChangeStore, ItemChange } from "#libs/store/change-store.ts";
import type { OffsetSpan } from "#libs/store/profile-store.ts";
import type { Logger } from "#libs/telemetry/log.ts";
import type { Metrics } from "#libs/telemetry/metrics.ts";
import { deadLetter, publishLetters } from "./dead-letter.ts";
import { type Follower, partitionNumber, superviseConsumer } from "./supervise.ts";

export interface FollowCatalogOptions {
  readonly bus: EventBus;
  readonly changes: ChangeStore;
  readonly log: Logger;
  readonly metrics: Metrics;
}

interface Placed {
  readonly offset: number;
  readonly word: ItemWord;
}

/** What can be read of the batch; the rest is on the dead-letter topic when this resolves. */
async function readBatch({ partition, records }: ConsumedBatch, { bus, log }: FollowCatalogOptions): Promise<Placed[]> {
  const words: Placed[] = [];
  const dead: BusRecord[] = [];
  for (const record of records) {
    const read = readWord(record.value);
    const cause = "cause" in read ? read.cause : read.word.itemId === record.key ? null : "its key is not its item_id";
    if ("word" in read && cause === null) words.push({ offset: record.offset, word: read.word });
    else {
      log.error({ partition, offset: record.offset, cause }, "a change of the catalogue cannot be read; it goes to the dead-letter topic");
      dead.push(deadLetter(topics.catalog, partition, record, cause ?? ""));
    }
  }
  // Durable before the position moves past their cause.
  await publishLetters(bus, dead);
  return words;
}

/** Each change with all that was said of its item before: what the log holds, then what stands before it in the batch. */
async function wholeChanges(words: readonly Placed[], changes: ChangeStore): Promise<ItemChange[]> {
  const ids = [...new Set(words.map(({ word }) => word.itemId))];
  const latest = await changes.latest(ids);
  const held = new Map<string, ItemWord>();
  ids.forEach((id, i) => {
    const read = latest[i] ? readWord(latest[i]) : null;
    if (read !== null && "word" in read) held.set(id, read.word);
  });
  return words.map(({ offset, word }) => {
    const whole = mergeWords(held.get(word.itemId) ?? null, word);
    held.set(word.itemId, whole);
    return { offset, itemId: word.itemId, value: encodeWord(whole) };
  });
}

/**
 * All changes of an item come through one partition, and what the log holds of it was appended before: whoever appends a batch again, or late, finds its
 * offsets behind the partition's position, and changes nothing.
 */
export async function applyCatalogBatch(batch: ConsumedBatch, span: OffsetSpan, options: FollowCatalogOptions): Promise<void> {
  const position = await options.changes.position(batch.partition);
  const words = (await readBatch(batch, options)).filter(({ offset }) => offset >= position);
  await options.changes.append(batch.partition, await wholeChanges(words, options.changes), span);
}

export async function followCatalogTopic(options: FollowCatalogOptions): Promise<Follower> {
  const { bus, changes, log, metrics } = options;
  const lag = metrics.gauge("modiste_catalog_lag_records", "Changes of the catalogue that wait to be applied, by partition", ["partition"]);
  return superviseConsumer({
    bus,
    topic: topics.catalog,
    group: "modiste-catalog",
    what: "changes of the catalogue",
    positionOf: (partition) => changes.position(partition),
    apply: (batch, span) => applyCatalogBatch(batch, span, options),
    onApplied: ({ partition, end }, next) => lag.set({ partition: partitionNumber(partition) }, Math.max(0, end - next)),
    log,
  });
}
