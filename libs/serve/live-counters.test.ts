import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ModisteError, toModisteError } from "#libs/core/errors.ts";
import type { LiveView } from "#libs/features/live-counts.ts";
import { segmentNames } from "#libs/features/segment.ts";
import type { CountedEvent, CounterStore } from "#libs/store/counter-store.ts";
import { openLmdbCounterStore } from "#libs/store/lmdb-counter-store.ts";
import { followLive, type LiveArtifact } from "./follow-live.ts";
import { followCounters, type LiveCounters } from "./live-counters.ts";

/** Midnight at which the data end. */
const end = 1_600_000_000 - (1_600_000_000 % 86_400);
const ids = ["a", "b", "c"];
const release = { itemCount: ids.length, endSeconds: end, recent: null, indexOf: new Map(ids.map((id, item) => [id, item])) };

let folder: string;
const opened: { close(): Promise<void> }[] = [];
const closing = <T extends { close(): Promise<void> }>(resource: T): T => {
  opened.push(resource);
  return resource;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modiste-live-"));
});
afterEach(async () => {
  for (const resource of opened.splice(0).toReversed()) await resource.close();
  await rm(folder, { recursive: true, force: true });
});

let offset = 0;
const sale = (itemId: string, segment = 0): CountedEvent => ({
  offset: offset++,
  itemId,
  type: "purchase",
  segment,
  timeSeconds: end + 60,
  value: 5,
});
const add = (store: CounterStore, ...events: readonly CountedEvent[]): Promise<void> =>
  store.add("p/0", events, { from: 0, next: events.at(-1)!.offset + 1 });

const never = (error: ModisteError): never => {
  throw error;
};
/** Looks only when it is asked to. */
const follow = async (counters: Pick<CounterStore, "changes">, onFailure: (error: ModisteError) => void = never): Promise<LiveCounters> =>
  closing(await followCounters({ counters, intervalMs: 600_000, onFailure }));

/** An artifact that is the counts of the view by item. */
const counting = async (counters: LiveCounters, rebuild?: (view: LiveView) => void): Promise<LiveArtifact<readonly number[]>> =>
  closing(
    await followLive<readonly number[]>({
      counters,
      release,
      artifact: [0, 0, 0],
      follow: async (_, view) => {
        rebuild?.(view);
        return Array.from(view.added, (item) => item?.counts.reduce((sum, count) => sum + count, 0) ?? 0);
      },
      clock: { nowSeconds: () => end + 120, monotonicMs: () => 0 },
      servingNow: () => end + 120,
      rebuildMs: 0,
      onFailure: () => undefined,
    }),
  );

describe("followers of the counters", () => {
  it("agree, whenever they began and however often they looked", async () => {
    const store = closing(openLmdbCounterStore(folder));
    const early = await follow(store);
    const first = await counting(early);
    for (const itemId of ["a", "b", "a", "unknown", "c", "a"]) {
      await add(store, sale(itemId, offset % segmentNames.length));
      if (itemId !== "b") await early.refresh();
    }
    const late = await follow(store);
    expect(new Map(early.items)).toEqual(new Map(late.items));
    await first.settle();
    expect(first.current()).toEqual([3, 1, 1]);
    expect((await counting(late)).current()).toEqual(first.current());
  });

  it("see after a restart what was counted before", async () => {
    const store = openLmdbCounterStore(folder);
    await add(store, sale("a"), sale("a"));
    await store.close();
    const counters = await follow(closing(openLmdbCounterStore(folder)));
    expect((await counting(counters)).current()).toEqual([2, 0, 0]);
  });

  it("keep what they know while the store fails, tell of it once, and go on behind it", async () => {
    const store = closing(openLmdbCounterStore(folder));
    let broken = true;
    const told: string[] = [];
    const failing = {
      changes: (cursor: string) => (broken ? Promise.reject(new Error("connection refused")) : store.changes(cursor)),
    };
    const counters = closing(
      await followCounters({ counters: failing, intervalMs: 1, onFailure: (error) => void told.push(error.reason) }),
    );
    await add(store, sale("b"));
    for (let i = 0; i < 3; i++) await expect(counters.refresh()).rejects.toThrow("connection refused");
    expect(counters.items.size).toBe(0);
    const heard = new Promise<readonly string[]>((resolve) => counters.subscribe((changed) => resolve([...changed.keys()])));
    broken = false;
    expect(await heard).toEqual(["b"]);
    expect(told).toEqual([toModisteError(new Error("connection refused")).reason]);
  });
});

describe("an artifact that follows", () => {
  it("is rebuilt for items of its release only, once for all that changed, and not without a change", async () => {
    const store = closing(openLmdbCounterStore(folder));
    const counters = await follow(store);
    let rebuilds = 0;
    const live = await counting(counters, () => void rebuilds++);
    await live.settle();
    expect([rebuilds, live.current()]).toEqual([0, [0, 0, 0]]);
    await add(store, sale("unknown"));
    await counters.refresh();
    await live.settle();
    expect(rebuilds).toBe(0);
    await add(store, sale("a"), sale("b"), sale("b"));
    await counters.refresh();
    await live.settle();
    await live.settle();
    expect([rebuilds, live.current()]).toEqual([1, [1, 2, 0]]);
  });

  it("stays as it was when a rebuild fails, and takes the change up with the next", async () => {
    const store = closing(openLmdbCounterStore(folder));
    const counters = await follow(store);
    let broken = true;
    const live = await counting(counters, () => {
      if (broken) throw new Error("out of memory");
    });
    await add(store, sale("c"));
    await counters.refresh();
    await live.settle();
    expect(live.current()).toEqual([0, 0, 0]);
    broken = false;
    await live.settle();
    expect(live.current()).toEqual([0, 0, 1]);
  });
});
