import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventCode } from "#libs/events/event.ts";
import type { Interactions } from "./interactions.ts";
import { countBefore, endOfData, historyBefore, interactionsBetween, lastCompleteWeeks, sliceBefore } from "./splits.ts";

type Row = readonly [user: number, item: number, time: number, type: number];

/** Columns from rows in any order. */
function fromRows(rows: readonly Row[], userCount: number, itemCount: number): Interactions {
  const sorted = [...rows].sort((a, b) => a[0] - b[0] || a[2] - b[2]);
  const offsets = new Int32Array(userCount + 1);
  for (const [user] of sorted) offsets[user + 1]!++;
  for (let user = 0; user < userCount; user++) offsets[user + 1]! += offsets[user]!;
  return {
    userCount,
    itemCount,
    offsets,
    items: Int32Array.from(sorted, (row) => row[1]),
    times: Uint32Array.from(sorted, (row) => row[2]),
    types: Uint8Array.from(sorted, (row) => row[3]),
    values: Float32Array.from(sorted, (_, index) => index),
  };
}

const anyRows = fc.array(fc.tuple(fc.nat(5), fc.nat(9), fc.nat(50), fc.integer({ min: 1, max: 6 })), { maxLength: 60 });
const anyData = anyRows.map((rows) => fromRows(rows, 6, 10));

describe("historyBefore", () => {
  it("holds exactly what happened before the time", () => {
    fc.assert(
      fc.property(anyData, fc.nat(5), fc.nat(60), (data, user, time) => {
        const { start, end } = historyBefore(data, user, time);
        expect(start).toBe(data.offsets[user]);
        for (let i = start; i < data.offsets[user + 1]!; i++) expect(i < end).toBe(data.times[i]! < time);
      }),
    );
  });
});

describe("sliceBefore", () => {
  it("keeps every user's past and nothing of the future, and leaves its input alone", () => {
    fc.assert(
      fc.property(anyData, fc.nat(60), (data, time) => {
        const before = structuredClone(data);
        const slice = sliceBefore(data, time);
        expect(data).toEqual(before);
        expect(slice.items.length).toBe(countBefore(data, time));
        expect(slice.offsets[6]).toBe(slice.items.length);
        for (let user = 0; user < 6; user++) {
          const { start, end } = historyBefore(data, user, time);
          const [from, to] = [slice.offsets[user]!, slice.offsets[user + 1]!];
          expect([...slice.items.subarray(from, to)]).toEqual([...data.items.subarray(start, end)]);
          expect([...slice.values.subarray(from, to)]).toEqual([...data.values.subarray(start, end)]);
        }
      }),
    );
  });

  it("does not change when an event is planted in the future", () => {
    fc.assert(
      fc.property(anyRows, fc.tuple(fc.nat(5), fc.nat(9)), (rows, [user, item]) => {
        const planted = fromRows([...rows, [user, item, 100, eventCode.purchase]], 6, 10);
        const [without, withIt] = [sliceBefore(fromRows(rows, 6, 10), 100), sliceBefore(planted, 100)];
        expect([...withIt.items]).toEqual([...without.items]);
        expect([...withIt.offsets]).toEqual([...without.offsets]);
      }),
    );
  });

  it("is everything after the last event and nothing before the first", () => {
    const data = fromRows([[0, 1, 5, 3]], 2, 3);
    expect(sliceBefore(data, 5).items.length).toBe(0);
    expect(sliceBefore(data, 6)).toEqual(data);
  });
});

describe("interactionsBetween", () => {
  it("lists each user's distinct purchases of the window, first bought first", () => {
    fc.assert(
      fc.property(anyRows, fc.nat(50), fc.nat(20), (rows, from, length) => {
        const data = fromRows(rows, 6, 10);
        const truth = interactionsBetween(data, from, from + length);
        const got = new Map([...truth.users].map((user, i) => [user, [...truth.items.subarray(truth.offsets[i], truth.offsets[i + 1])]]));
        const want = new Map<number, number[]>();
        for (const [user, item] of [...rows]
          .filter((row) => row[3] === 3 && row[2] >= from && row[2] < from + length)
          .sort((a, b) => a[2] - b[2])) {
          want.set(user, [...new Set([...(want.get(user) ?? []), item])]);
        }
        expect([...got.keys()]).toEqual([...want.keys()].sort((a, b) => a - b));
        for (const [user, items] of want) expect(got.get(user)).toEqual(items);
      }),
    );
  });

  it("counts other events when asked to", () => {
    const data = fromRows([[0, 1, 5, eventCode.view]], 1, 2);
    expect(interactionsBetween(data, 0, 9).users.length).toBe(0);
    expect([...interactionsBetween(data, 0, 9, { types: [eventCode.view] }).items]).toEqual([1]);
  });
});

describe("lastCompleteWeeks", () => {
  it("steps back from the end without gaps or overlaps", () => {
    const weeks = lastCompleteWeeks(604_800 * 5, 3);
    expect(weeks.map(({ from, to }) => [from / 604_800, to / 604_800])).toEqual([
      [4, 5],
      [3, 4],
      [2, 3],
    ]);
  });
});

describe("endOfData", () => {
  it("is the midnight after the last event", () => {
    expect(endOfData(fromRows([[1, 0, 86_400, 3]], 2, 1))).toBe(172_800);
    expect(endOfData(fromRows([], 2, 1))).toBe(0);
  });
});
