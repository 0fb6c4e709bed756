/** What the shop has said of its items since any release: followed from the change log by every process, laid over the catalogues of its releases. */

import { setTimeout as delay } from "node:timers/promises";
import { readWord } from "#libs/catalog/codec.ts";
import type { ItemWord } from "#libs/catalog/item-word.ts";
import { type CatalogOverlay, createOverlay } from "#libs/catalog/overlay.ts";
import { millis } from "#libs/config/fields.ts";
import { type ConfigOf, defineConfig } from "#libs/config/schema.ts";
import { ModisteError } from "#libs/core/errors.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { ChangeStore } from "#libs/store/change-store.ts";
import { lookAgain } from "./look-again.ts";
import { nearlineSettings, openStores } from "./nearline.ts";
import type { ServiceContext } from "./service.ts";
import { resourceKey } from "./shared.ts";

/** Settings of services that answer with items. */
export const catalogSettings = defineConfig({
  liveCatalogMs: millis("LIVE_CATALOG_MS", "pause between two looks at the catalogue's change log", {
    min: 1,
    max: 600_000,
    fallback: 100,
  }),
});

export interface LiveCatalog {
  /** All that was said of each item, withdrawn ones among them, by item id. */
  readonly words: ReadonlyMap<string, ItemWord>;
  /** The release's catalogue as of the last look; the same object until something changes. `released` is the catalogue as it was loaded. */
  over(released: IndexedCatalog): IndexedCatalog;
  /** Looks now. Throws what the store throws. */
  refresh(): Promise<void>;
  /**
   * Resolves when the last look has seen these changes, by item id, and after `msMax` at the latest; a change that another one has replaced meanwhile is
   * never seen. Answers whether all were. Throws nothing: what was said is durable all the same.
   */
  untilSeen(changeIds: ReadonlyMap<string, string>, msMax: number): Promise<boolean>;
  close(): Promise<void>;
}

export interface LiveCatalogOptions {
  readonly changes: Pick<ChangeStore, "since" | "last">;
  readonly intervalMs: number;
  /** Told once until a look succeeds again, and of every change that cannot be read. */
  readonly onFailure: (error: ModisteError) => void;
}

/** Changes of one answer of the store. */
const answerMax = 1000;
/** Items whose order of change is remembered: a catalogue that was not asked for through more changes than these is laid over anew. */
const recentMax = 20_000;
/** Pause between two looks of who waits for a change, milliseconds. */
const waitMs = 10;

interface Overlaid {
  readonly overlay: CatalogOverlay<IndexedCatalog>;
  /** Changes that it has seen. */
  seen: number;
}

/** Has looked once when it resolves; where that failed, the next looks try again. */
export async function followCatalog({ changes, intervalMs, onFailure }: LiveCatalogOptions): Promise<LiveCatalog> {
  const words = new Map<string, ItemWord>();
  let overlaid = new WeakMap<IndexedCatalog, Overlaid>();
  /** The latest changed items; the last is change number `seen`, counted from the start of this process. */
  let recent: string[] = [];
  let seen = 0;
  let number = 0;

  const take = (itemId: string, value: Uint8Array): void => {
    const read = readWord(value);
    if ("cause" in read) {
      onFailure(new ModisteError("data_loss", "bad_item_change", `item ${itemId}: ${read.cause}`));
      return;
    }
    words.set(itemId, read.word);
    recent.push(itemId);
    seen++;
  };
  const look = async (stopped: () => boolean): Promise<void> => {
    const last = await changes.last();
    if (last < number) {
      // The store has lost writes: what it does not hold any more was said to nobody else.
      words.clear();
      overlaid = new WeakMap();
      [recent, seen, number] = [[], 0, 0];
    }
    while (number < last && !stopped()) {
      const told = await changes.since(number, answerMax);
      if (told.length === 0) return;
      for (const { itemId, value } of told) take(itemId, value);
      number = told.at(-1)!.number;
    }
    if (recent.length > recentMax) recent = recent.slice(-recentMax / 2);
  };
  const over = (released: IndexedCatalog): IndexedCatalog => {
    if (words.size === 0) return released;
    const known = overlaid.get(released) ?? { overlay: createOverlay(released), seen: 0 };
    overlaid.set(released, known);
    const missed = seen - known.seen;
    if (missed === 0) return known.overlay.current();
    const ids = missed > recent.length ? [...words.keys()] : new Set(recent.slice(recent.length - missed));
    known.overlay.apply(Array.from(ids, (id) => words.get(id)!));
    known.seen = seen;
    return known.overlay.current();
  };
  const { refresh, close } = await lookAgain({ look, intervalMs, onFailure });
  const untilSeen: LiveCatalog["untilSeen"] = async (changeIds, msMax) => {
    const waited = AbortSignal.timeout(msMax);
    for (;;) {
      // A store that fails is told by the looks of their own.
      await refresh().catch(() => undefined);
      if ([...changeIds].every(([itemId, changeId]) => words.get(itemId)?.changeId === changeId)) return true;
      await delay(waitMs, undefined, { signal: waited }).catch(() => undefined);
      if (waited.aborted) return false;
    }
  };
  return { words, over, refresh, untilSeen, close };
}

/** What the catalogue's words need of a service. */
export type CatalogContext = Pick<
  ServiceContext<ConfigOf<typeof nearlineSettings & typeof catalogSettings>>,
  "shared" | "home" | "config" | "log"
>;

const catalogKey = resourceKey<LiveCatalog>("live catalogue");

/** What all services of this process follow together. */
export function openLiveCatalog(context: CatalogContext): Promise<LiveCatalog> {
  const { shared, config, log } = context;
  const open = async (): Promise<LiveCatalog> => {
    const { changes } = await openStores(context);
    return followCatalog({
      changes,
      intervalMs: config.liveCatalogMs,
      onFailure: (err) => log.error({ err }, "the catalogue's changes cannot be read; the last known ones count"),
    });
  };
  // The same stores, the same changes: services of one process may be told of different ones.
  const stores = (Object.keys(nearlineSettings) as (keyof typeof nearlineSettings)[]).map((name) => config[name]);
  return shared.open(catalogKey, open, (live) => live.close(), JSON.stringify(stores));
}
