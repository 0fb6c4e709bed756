import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interactionsOf } from "#libs/testing/interactions.ts";
import {
  type CaseOptions,
  type Cases,
  casesDigest,
  givenCases,
  givenLastCases,
  historyOf,
  leaveLastBasketOut,
  leaveLastOut,
  sampleCases,
  sampledCases,
  windowCases,
} from "./cases.ts";
import type { Interactions } from "./interactions.ts";

const day = 86_400;
const everyone: CaseOptions = { types: ["purchase"], users: null };

/** Case by case: user, items known before, items taken. */
function plain(cases: Cases): [number, number[], number[]][] {
  return Array.from(cases.users, (user, c) => {
    const { start, end } = historyOf(cases, c);
    return [user, [...cases.histories.items.subarray(start, end)], [...cases.items.subarray(cases.offsets[c], cases.offsets[c + 1])]];
  });
}

const three = interactionsOf(
  [
    [
      [1, day],
      [2, 2 * day],
      [3, 2 * day + 5],
    ],
    [[4, 3 * day]],
    [
      [5, day],
      [6, 4 * day],
      [6, 4 * day + 1],
    ],
  ],
  10,
);

describe("splits by hand", () => {
  it("a window: who took something in it, with what was before", () => {
    const cases = windowCases(three, { from: 2 * day, to: 4 * day }, everyone);
    expect(plain(cases)).toEqual([
      [0, [1], [2, 3]],
      [1, [], [4]],
    ]);
    expect([...cases.train.items]).toEqual([1, 5]);
  });
  it("leave last out, and the one before for validation without the last in sight", () => {
    expect(plain(leaveLastOut(three, 0, everyone))).toEqual([
      [0, [1, 2], [3]],
      [2, [5, 6], [6]],
    ]);
    const validation = leaveLastOut(three, 1, everyone);
    expect(plain(validation)).toEqual([
      [0, [1], [2]],
      [2, [5], [6]],
    ]);
    expect([...validation.train.items]).toEqual([1, 5]);
  });
  it("leave the last basket out: a day is a basket", () => {
    expect(plain(leaveLastBasketOut(three, 0, everyone))).toEqual([
      [0, [1], [2, 3]],
      [2, [5], [6]],
    ]);
  });
  it("a given split, all of the test part or the last of each sequence", () => {
    expect(plain(givenCases(three, 4 * day, everyone))).toEqual([[2, [5], [6]]]);
    const last = givenLastCases(three, 4 * day, everyone);
    expect(plain(last)).toEqual([[2, [5, 6], [6]]]);
    expect([...last.train.items]).toEqual([1, 2, 3, 4, 5]);
    expect(() => givenCases(three, 9 * day, everyone)).toThrow("[invalid_argument] split");
  });
  it("counts only the users and the events that are asked for", () => {
    const cases = windowCases(three, { from: 2 * day, to: 4 * day }, { ...everyone, users: (user) => user === 1 });
    expect([...cases.users]).toEqual([1]);
    expect(windowCases(three, { from: 0, to: 9 * day }, { types: ["view"], users: null }).users).toHaveLength(0);
  });
});

const histories = fc.array(
  fc.array(fc.tuple(fc.nat(9), fc.nat(20 * day)), { maxLength: 8 }).map((events) => [...events].sort(([, a], [, b]) => a - b)),
  { minLength: 1, maxLength: 6 },
);

describe.each<[string, (interactions: Interactions) => Cases]>([
  ["window", (all) => windowCases(all, { from: 10 * day, to: 12 * day }, everyone)],
  ["leave last out", (all) => leaveLastOut(all, 0, everyone)],
  ["leave last but one out", (all) => leaveLastOut(all, 1, everyone)],
  ["leave last basket out", (all) => leaveLastBasketOut(all, 0, everyone)],
  ["sampled", (all) => sampledCases(all, 0.3, 1, everyone)],
])("%s", (_, split) => {
  it("never shows what a user took among what is known, and takes nothing that did not happen", () => {
    fc.assert(
      fc.property(histories, (users) => {
        const cases = split(interactionsOf(users, 10));
        for (const [user, known, taken] of plain(cases)) {
          expect(taken.length).toBeGreaterThan(0);
          expect(new Set(taken).size).toBe(taken.length);
          const own = users[user]!.map(([item]) => item);
          expect(known.length + taken.length).toBeLessThanOrEqual(own.length);
          for (const item of [...known, ...taken]) expect(own).toContain(item);
        }
        expect(cases.train.items.length + cases.items.length).toBeLessThanOrEqual(users.flat().length);
        for (const time of cases.train.times) expect(time).toBeLessThan(Math.max(1, cases.endSeconds));
      }),
    );
  });
});

describe.each<[string, (all: Interactions, back: number) => Cases]>([
  ["leave last out", (all, back) => leaveLastOut(all, back, everyone)],
  ["leave last basket out", (all, back) => leaveLastBasketOut(all, back, everyone)],
])("validation of %s", (_, split) => {
  it("holds nothing of the test part, whoever is a case", () => {
    fc.assert(
      fc.property(histories, (users) => {
        // Every event is an item of its own, so that an item tells the event.
        const all = interactionsOf(
          users.map((events, u) => events.map(([, time], i) => [u * 10 + i, time] as const)),
          100,
        );
        const test = new Set(split(all, 0).items);
        const validation = split(all, 1);
        for (const item of [...validation.train.items, ...validation.items]) expect(test.has(item)).toBe(false);
      }),
    );
  });
});

it("a sample by item never knows what is to be found, also where items repeat", () => {
  const repeating = interactionsOf(
    [
      [
        [1, 1],
        [1, 2],
        [1, 3],
      ],
      [
        [1, 1],
        [2, 2],
        [1, 3],
        [2, 4],
      ],
    ],
    10,
  );
  for (let seed = 0; seed < 30; seed++) {
    for (const [, known, taken] of plain(sampledCases(repeating, 0.5, seed, everyone))) {
      expect(known.length).toBeGreaterThan(0);
      expect(known.filter((item) => taken.includes(item))).toEqual([]);
    }
  }
});

describe("digest", () => {
  it("changes with any event, instant or truth, and with nothing else", () => {
    const of = (interactions: Interactions) => casesDigest(windowCases(interactions, { from: 2 * day, to: 4 * day }, everyone));
    const changed = { ...three, items: three.items.map((item, i) => (i === 0 ? 7 : item)) };
    expect(of(three)).toBe(of({ ...three, values: three.values.map(() => 1) }));
    expect(of(three)).not.toBe(of(changed));
    expect(of(three)).toMatch(/^[0-9a-f]{16}$/);
  });
});

it("a sample keeps whole cases, the same ones under a seed", () => {
  const cases = leaveLastOut(three, 0, everyone);
  const sample = sampleCases(cases, 1, 3);
  expect(plain(cases)).toContainEqual(plain(sample)[0]);
  expect(plain(sampleCases(cases, 1, 3))).toEqual(plain(sample));
  expect(sampleCases(cases, 2, 3)).toBe(cases);
});
