import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { secondsPerDay as day } from "#libs/core/clock.ts";
import { noProgress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { eventCode } from "#libs/events/event.ts";
import { ageWindows, followCounts } from "#libs/models/popularity/follow.ts";
import { anchorSeconds, countPopularity, popularitySpec } from "#libs/models/popularity/popularity.ts";
import { readSettings } from "#libs/models/settings.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { countDays, dayKey } from "./day-counts.ts";
import { countItems, type ItemStatistics } from "./item-statistics.ts";
import { addedCounts, createLiveView, type LiveItem, type LiveView, type ReleaseCounts } from "./live-counts.ts";
import { ageStatistics, followStatistics } from "./live-statistics.ts";
import { segmentNames, userSegments } from "./segment.ts";

const itemCount = 4;
const ages = ["18", "33", "70"];
/** Midnight at which the data may end. */
const midnight = 18_000 * day;
const pace = createPace(new AbortController().signal);

interface Written {
  readonly user: number;
  readonly item: number;
  readonly time: number;
  readonly type: number;
  readonly value: number;
}

const users = {
  userCount: ages.length,
  ids: ages.map((_, user) => `u${user}`),
  attributes: [{ name: "age", values: ages, codes: Int32Array.from(ages.keys()) }],
};
const segments = userSegments(users);

function interactionsOf(events: readonly Written[]): Interactions {
  const sorted = events.toSorted((a, b) => a.user - b.user || a.time - b.time);
  return {
    userCount: ages.length,
    itemCount,
    offsets: Int32Array.from({ length: ages.length + 1 }, (_, user) => sorted.filter((event) => event.user < user).length),
    items: Int32Array.from(sorted, ({ item }) => item),
    times: Uint32Array.from(sorted, ({ time }) => time),
    types: Uint8Array.from(sorted, ({ type }) => type),
    values: Float32Array.from(sorted, ({ value }) => value),
  };
}

/** What the counters hold of events that came over the bus. */
function liveOf(events: readonly Written[], item: number): LiveItem {
  const own = events.filter((event) => event.item === item).sort((a, b) => a.time - b.time);
  const sales = own.filter(({ type }) => type === eventCode.purchase);
  const counts = new Map<number, number>();
  for (const { time, type, user } of own) {
    const key = dayKey(Math.floor(time / day), type, segments[user]!);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return {
    keys: Uint32Array.from(sorted, ([key]) => key),
    counts: Uint32Array.from(sorted, ([, count]) => count),
    firstSaleSeconds: sales[0]?.time ?? 0,
    lastSaleSeconds: sales.at(-1)?.time ?? 0,
    lastPrice: sales.findLast(({ value }) => value > 0)?.value ?? 0,
  };
}

function viewOf(base: readonly Written[], bus: readonly Written[], endSeconds: number, now: number, aged = true): LiveView | null {
  const recent = aged ? countDays(interactionsOf(base), segments, endSeconds) : null;
  const release: ReleaseCounts = { itemCount, endSeconds, recent };
  const added = Array.from({ length: itemCount }, (_, item) => addedCounts(item, liveOf(bus, item), release));
  return createLiveView(release, added, now);
}

async function statisticsOf(base: readonly Written[], view: LiveView): Promise<ItemStatistics> {
  const released = countItems(interactionsOf(base), users, view.endSeconds);
  const followed = await followStatistics(await ageStatistics(released, view, pace), released.lastPrice, view, pace);
  return followed.statistics;
}

const event = (from: number, to: number) =>
  fc.record({
    user: fc.nat(ages.length - 1),
    item: fc.nat(itemCount - 1),
    time: fc.integer({ min: from, max: to }),
    type: fc.constantFrom(eventCode.purchase, eventCode.purchase, eventCode.view, eventCode.dislike),
    // All priced: which of an unpriced and an earlier priced sale says the last price depends in training on the order of the users.
    value: fc.constantFrom(5, 9),
  });

/** Sales of one item at one instant may say two prices; which is last is anybody's. */
const distinctTimes = (events: readonly Written[]): Written[] => [
  ...new Map(events.map((one) => [`${one.item} ${one.time}`, one])).values(),
];

/** Data of 80 days, then events over the bus, then an instant some days later; the day before it has an event, so that windows end there. */
const shop = fc
  .record({
    base: fc.array(event(midnight - 80 * day, midnight - 1), { maxLength: 60 }),
    bus: fc.array(event(midnight, midnight + 20 * day - 1), { maxLength: 40 }),
    days: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ base, bus, days }) => {
    const now = midnight + days * day;
    const last = { user: 0, item: 0, time: now - 1, type: eventCode.purchase, value: 5 };
    return { base: distinctTimes(base), bus: distinctTimes([...bus.filter(({ time }) => time < now), last]), now };
  });

describe("live counts on top of a release's", () => {
  it("are at midnight what a recount of all events gives: sales by window and segment, first and last sale, last price", async () => {
    const names = [
      "count1",
      "count7",
      "countBefore7",
      "count28",
      "countBefore28",
      "segment28",
      "firstSale",
      "lastSale",
      "lastPrice",
    ] as const;
    await fc.assert(
      fc.asyncProperty(shop, async ({ base, bus, now }) => {
        const followed = await statisticsOf(base, viewOf(base, bus, midnight, now)!);
        const again = countItems(interactionsOf([...base, ...bus]), users, now);
        for (const name of names) expect([name, ...followed[name]]).toEqual([name, ...again[name]]);
      }),
    );
  });

  it("are at midnight what a recount gives for popularity: windows exactly, decayed counts as if each live event lay in the middle of its day", async () => {
    const settings = readSettings(popularitySpec, { halfLifeDays: 3, viewWeight: 0.25 });
    const count = (events: readonly Written[], now: number) =>
      countPopularity(interactionsOf(events), segments, now, settings, pace, noProgress);
    await fc.assert(
      fc.asyncProperty(shop, async ({ base, bus, now }) => {
        const view = viewOf(base, bus, midnight, now)!;
        const released = await count(base, midnight);
        const anchor = anchorSeconds(interactionsOf(base), midnight);
        const followed = await followCounts(released, await ageWindows(released, settings, view, pace), anchor, settings, view, pace);
        const exact = await count([...base, ...bus], now);
        expect([...followed.windows]).toEqual([...exact.windows]);
        expect([...followed.previous]).toEqual([...exact.previous]);
        const middles = bus.map((one) => ({ ...one, time: (Math.floor(one.time / day) + 0.5) * day }));
        const again = await count([...base, ...middles], now);
        const share = ({ decayed }: { decayed: Float32Array }) =>
          [...decayed].map((one) => one / decayed.reduce((sum, all) => sum + all, 0));
        for (const [item, value] of share(again).entries()) expect(share(followed)[item]).toBeCloseTo(value, 5);
        const total = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0);
        expect(total(followed.decayedBySegment) / total(followed.decayed)).toBeCloseTo(1, 4);
      }),
    );
  });

  it("never change what they are computed from, and depend on the view alone", async () => {
    await fc.assert(
      fc.asyncProperty(shop, async ({ base, bus, now }) => {
        const view = viewOf(base, bus, midnight, now)!;
        const released = countItems(interactionsOf(base), users, midnight);
        const before = structuredClone(released);
        const aged = await ageStatistics(released, view, pace);
        const once = await followStatistics(aged, released.lastPrice, view, pace);
        expect(await followStatistics(aged, released.lastPrice, view, pace)).toEqual(once);
        expect(released).toEqual(before);
      }),
      { numRuns: 20 },
    );
  });
});

const sale = (item: number, time: number, value = 5): Written => ({ user: 1, item, time, type: eventCode.purchase, value });
const inWeek = async (base: readonly Written[], bus: readonly Written[], end: number, now: number, aged = true) => {
  const view = viewOf(base, bus, end, now, aged);
  return view && [...(await statisticsOf(base, view)).count7];
};

describe("the end of the data", () => {
  it("leaves out what came over the bus but lies before it: the data have it", async () => {
    expect(viewOf([sale(0, midnight - 60)], [sale(0, midnight - 60)], midnight, midnight)).toBeNull();
    expect(await inWeek([sale(0, midnight - 60)], [sale(0, midnight - 60), sale(0, midnight)], midnight, midnight)).toEqual([2, 0, 0, 0]);
  });

  it("inside a day: an event of that day counts once, whether the data, the bus or both have it", async () => {
    const end = midnight + 10 * 3600;
    const both = [sale(0, midnight + 3600), sale(0, midnight + 7200)];
    const after = sale(0, end + 60);
    expect(await inWeek(both, [...both, after], end, end + 120)).toEqual([3, 0, 0, 0]);
    // The bus began at the end: of that day the larger count stands, and nothing is counted twice.
    expect(viewOf(both, [after], end, end + 120)).toBeNull();
    expect(await inWeek([sale(0, midnight - 1)], [after], end, end + 120)).toEqual([2, 0, 0, 0]);
  });

  it("inside a day, in a release that does not have its days: that day counts as the data have it", async () => {
    const end = midnight + 10 * 3600;
    expect(viewOf([], [sale(0, end + 60)], end, end + 120, false)).toBeNull();
    expect(await inWeek([sale(1, end - 60)], [sale(0, midnight + day)], end, midnight + day, false)).toEqual([1, 1, 0, 0]);
  });
});

describe("the day of a view", () => {
  it("is that of the serving instant, and what lies after it does not count yet", async () => {
    const bus = [sale(0, midnight + 60), sale(1, midnight + 2 * day)];
    expect(await inWeek([], bus, midnight, midnight + day)).toEqual([1, 0, 0, 0]);
    expect(await inWeek([], bus, midnight, midnight + 2 * day)).toEqual([1, 1, 0, 0]);
  });

  it("lets events leave the windows as it moves on", async () => {
    const base = [sale(0, midnight - day)];
    const bus = (now: number) => [sale(1, midnight + 60), sale(2, now - 60)];
    expect(await inWeek(base, bus(midnight + 6 * day), midnight, midnight + 6 * day)).toEqual([1, 1, 1, 0]);
    expect(await inWeek(base, bus(midnight + 7 * day), midnight, midnight + 7 * day)).toEqual([0, 1, 1, 0]);
    expect(await inWeek(base, bus(midnight + 8 * day), midnight, midnight + 8 * day)).toEqual([0, 0, 1, 0]);
  });

  it("stands still behind the last event, so that a quiet bus empties no window", () => {
    expect(viewOf([], [sale(0, midnight + 60)], midnight, midnight + 90 * day)!.today * day).toBe(midnight + day);
  });
});

it("every segment and type has a key of its own", () => {
  expect(segmentNames.length).toBeLessThanOrEqual(8);
  expect(Object.values(eventCode).every((code) => code < 8)).toBe(true);
});
