/** The live counters of this process: looks for changes in the store and hands them on. A store that fails changes no readiness: what was seen last stays. */

import { millis } from "#libs/config/fields.ts";
import { type ConfigOf, defineConfig } from "#libs/config/schema.ts";
import type { ModisteError } from "#libs/core/errors.ts";
import { eventCode } from "#libs/events/event.ts";
import { dayKey, dayOf } from "#libs/features/day-counts.ts";
import type { LiveItem } from "#libs/features/live-counts.ts";
import { type CounterStore, daySeconds, type ItemCounts } from "#libs/store/counter-store.ts";
import { lookAgain } from "./look-again.ts";
import { nearlineSettings, openStores } from "./nearline.ts";
import type { ServiceContext } from "./service.ts";
import { resourceKey } from "./shared.ts";

/** Settings of services whose figures follow the counters. */
export const liveSettings = defineConfig({
  liveCountersMs: millis("LIVE_COUNTERS_MS", "pause between two looks at the live counters", { min: 1, max: 600_000, fallback: 250 }),
  liveRebuildMs: millis("LIVE_REBUILD_MS", "least pause between two rebuilds of figures that follow the live counters", {
    max: 600_000,
    fallback: 1000,
  }),
});

export type LiveChanges = ReadonlyMap<string, LiveItem>;

export interface LiveCounters {
  /** All that was counted so far, by item id. */
  readonly items: LiveChanges;
  /** Called with what changed, from the next look on. Answers how to end it. */
  subscribe(listener: (changed: LiveChanges) => void): () => void;
  /** Looks now; what changed has been handed on when it resolves. Throws what the store throws. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface LiveCountersOptions {
  readonly counters: Pick<CounterStore, "changes">;
  readonly intervalMs: number;
  /** Told once until a look succeeds again. */
  readonly onFailure: (error: ModisteError) => void;
}

/** Answers of one look: a store that changes faster than it is read must not hold the loop. */
const answersMax = 10_000;

/** The days of an item as one column of keys, ascending; hours say the same once more. */
export function liveItemOf({ buckets, firstSaleSeconds, lastSaleSeconds, lastPrice }: ItemCounts): LiveItem {
  const days = buckets
    .filter(({ spanSeconds }) => spanSeconds === daySeconds)
    .map(({ startSeconds, type, segment, count }) => [dayKey(dayOf(startSeconds), eventCode[type], segment), count] as const)
    .sort(([a], [b]) => a - b);
  return {
    keys: Uint32Array.from(days, ([key]) => key),
    counts: Uint32Array.from(days, ([, count]) => count),
    firstSaleSeconds,
    lastSaleSeconds,
    lastPrice,
  };
}

/** Has looked once when it resolves; where that failed, the next looks try again. */
export async function followCounters({ counters, intervalMs, onFailure }: LiveCountersOptions): Promise<LiveCounters> {
  const items = new Map<string, LiveItem>();
  const listeners = new Set<(changed: LiveChanges) => void>();
  let cursor = "";
  const readChanges = async (stopped: () => boolean): Promise<void> => {
    for (let answers = 0; answers < answersMax && !stopped(); answers++) {
      const changes = await counters.changes(cursor);
      cursor = changes.cursor;
      if (changes.items.length === 0) return;
      const changed = new Map(changes.items.map((counts) => [counts.itemId, liveItemOf(counts)]));
      for (const [id, item] of changed) items.set(id, item);
      for (const listener of listeners) listener(changed);
    }
  };
  const looks = await lookAgain({ look: readChanges, intervalMs, onFailure });
  return {
    items,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    refresh: looks.refresh,
    close: looks.close,
  };
}

type LiveConfig = ConfigOf<typeof nearlineSettings & typeof liveSettings>;
type LiveContext = Pick<ServiceContext<LiveConfig>, "shared" | "home" | "config" | "log">;

const liveKey = resourceKey<LiveCounters>("live counters");

/** The counters that all services of this process follow together. */
export function openLiveCounters(context: LiveContext): Promise<LiveCounters> {
  const { shared, config, log } = context;
  const open = async (): Promise<LiveCounters> => {
    const { counters } = await openStores(context);
    return followCounters({
      counters,
      intervalMs: config.liveCountersMs,
      onFailure: (err) => log.error({ err }, "live counters cannot be read; the last known ones count until they can"),
    });
  };
  // The same stores, the same counters: services of one process may be told of different ones.
  const stores = (Object.keys(nearlineSettings) as (keyof typeof nearlineSettings)[]).map((name) => config[name]);
  return shared.open(liveKey, open, (live) => live.close(), JSON.stringify(stores));
}
