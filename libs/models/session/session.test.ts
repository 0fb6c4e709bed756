import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Interactions } from "#libs/data/interactions.ts";
import { createSessionModel, predictNext, type SessionModel, sessionReasons } from "#libs/models/session/predict.ts";
import { collectSessions, indexSessions, type SessionColumns, wantsSessions } from "#libs/models/session/session-index.ts";
import { type SessionSettings, sessionSpec } from "#libs/models/session/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { interactionsOf } from "#libs/testing/interactions.ts";

const neutral = {
  sessionHalfLifeDays: 0,
  sessionRarity: 0,
  sessionLengthExponent: 0,
  sessionPopularityExponent: 0,
  sessionOwnFactor: 1,
  sessionLastFactor: 1,
  sessionMatchFactor: 0,
  sessionEarlierFactor: 1,
  ruleShare: 0,
};
const itemCount = 6;
const settingsFor = (overrides: Record<string, unknown>): SessionSettings => readSettings(sessionSpec, { ...neutral, ...overrides });

function columns(sessions: readonly (readonly number[])[], ages?: readonly number[]): SessionColumns {
  const offsets = new Int32Array(sessions.length + 1);
  sessions.forEach((session, s) => {
    offsets[s + 1] = offsets[s]! + session.length;
  });
  return { offsets, items: Int32Array.from(sessions.flat()), ages: Float32Array.from(ages ?? sessions.map(() => 0)) };
}

function modelOf(sessions: readonly (readonly number[])[], overrides: Record<string, unknown>, ages?: readonly number[]): SessionModel {
  const settings = settingsFor(overrides);
  return createSessionModel(indexSessions(columns(sessions, ages), itemCount, settings), settings);
}

/** Scores by item, the reason and the item behind it. */
function predicted(model: SessionModel, current: readonly number[]): Map<number, readonly [number, string, number]> {
  const { items, scores, reasons, because } = predictNext(model, Int32Array.from(current));
  return new Map(
    [...items]
      .map((item, c) => [item, [scores[c]!, sessionReasons[reasons[c]!]!, because[c]!] as const] as const)
      .filter(([, [score]]) => score > 0),
  );
}
const scores = (model: SessionModel, current: readonly number[]): number[] => {
  const found = predicted(model, current);
  return Array.from({ length: itemCount }, (_, item) => Math.round((found.get(item)?.[0] ?? 0) * 1e5) / 1e5);
};
const near = (values: readonly number[]): number[] => values.map((value) => Math.round(value * 1e5) / 1e5);

describe("session neighbours", () => {
  it("STAN by hand: cosine, distance from the match, place in the running session", () => {
    const model = modelOf(
      [
        [0, 1, 2],
        [0, 3],
      ],
      { sessionLengthExponent: 0.5, sessionDistanceScale: 2 },
    );
    const [first, second] = [1 / Math.sqrt(3), 1 / Math.sqrt(2)];
    expect(scores(model, [0])).toEqual(near([0, first / second, (first / second) * Math.exp(-1 / 2), 1, 0, 0]));
    // 3 is the latest event, 0 one before it: session 0 matches with exp(-1/1.6), session 1 with both, latest at 3.
    const both = modelOf(
      [
        [0, 1, 2],
        [0, 3],
      ],
      { sessionDistanceScale: 2 },
    );
    const back = Math.exp(-1 / 1.6);
    expect(scores(both, [0, 3])).toEqual(near([1, back / (1 + back), (back / (1 + back)) * Math.exp(-1 / 2), 0, 0, 0]));
    expect(predicted(both, [0, 3]).get(0)!.slice(1)).toEqual(["same_session", 3]);
    expect(predicted(both, [0, 3]).get(1)!.slice(1)).toEqual(["viewed_next", 0]);
  });

  it("VSKNN by hand: linear places and distances", () => {
    const model = modelOf(
      [
        [0, 1, 2],
        [3, 4],
      ],
      { sessionDecay: "linear", sessionDistanceScale: 10 },
    );
    // Running 0, 3: 0 weighs 1/2, 3 weighs 1; votes fall by a tenth a place.
    expect(scores(model, [0, 3])).toEqual(near([0, 0.5, 0.5 * (0.8 / 0.9), 0, 1, 0]));
  });

  it("weighs rare matches, young sessions and rare items more", () => {
    const rare = modelOf(
      [
        [0, 1],
        [0, 2],
        [3, 4],
      ],
      { sessionRarity: 1, sessionPositionScale: 1e6 },
    );
    const rarity = (count: number): number => Math.log(1 + 3 / (count + 1));
    expect(scores(rare, [3, 0])).toEqual(near([0, rarity(2) / rarity(1), rarity(2) / rarity(1), 0, 1, 0]));
    const young = modelOf(
      [
        [0, 1],
        [0, 2],
      ],
      { sessionHalfLifeDays: 10 },
      [10, 0],
    );
    expect(scores(young, [0])).toEqual(near([0, 0.5, 1, 0, 0, 0]));
    const damped = modelOf(
      [
        [0, 1, 2],
        [3, 1],
      ],
      { sessionDistanceScale: 1e6, sessionPopularityExponent: 1 },
    );
    expect(scores(damped, [0])).toEqual(near([0, 2 / 3, 1, 0, 0, 0]));
  });

  it("keeps few neighbours and few postings, the youngest first", () => {
    const sessions = [
      [0, 1],
      [0, 2],
      [0, 3],
    ];
    expect(scores(modelOf(sessions, { sessionPostings: 1 }), [0])).toEqual([0, 0, 0, 1, 0, 0]);
    // Of equally similar sessions the lower number stays.
    expect(scores(modelOf(sessions, { sessionNeighbours: 1 }), [0])).toEqual([0, 1, 0, 0, 0, 0]);
    expect(scores(modelOf(sessions, { sessionRecentItems: 1 }), [0, 4])).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("raises what the running session has seen, and lowers its last item", () => {
    const model = modelOf([[0, 1, 2]], { sessionOwnFactor: 2, sessionLastFactor: 0.1, sessionDistanceScale: 1e6, sessionMatchFactor: 1 });
    expect(scores(model, [1, 0])).toEqual(near([0.1, 1, 0.5, 0, 0, 0]));
  });

  it("answers the same when asked twice, and nothing to what it does not know", () => {
    const model = modelOf(
      [
        [0, 1, 2],
        [2, 3],
      ],
      { ruleShare: 1 },
    );
    expect(scores(model, [0, 2])).toEqual(scores(model, [0, 2]));
    expect(scores(model, [5])).toEqual([0, 0, 0, 0, 0, 0]);
    expect(scores(model, [])).toEqual([0, 0, 0, 0, 0, 0]);
    expect(scores(modelOf([], {}), [0])).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe("sequential rules", () => {
  it("by hand: 1/d over the sessions of the item, half as much for the item before the last", () => {
    const model = modelOf(
      [
        [0, 1, 2],
        [0, 2],
        [3, 4],
      ],
      { ruleShare: 1e3, sessionDistanceScale: 0.01 },
    );
    // From 0: item 1 gets 1, item 2 gets 1/2 + 1, both over 2 sessions; from 3, one before: item 4 gets 1/2.
    const found = scores(model, [3, 0]);
    expect(found[2]).toBeCloseTo(1, 2);
    expect(found[1]).toBeCloseTo(0.5 / 0.75, 2);
    expect(found[4]).toBeCloseTo(0.5 / 0.75, 2);
    const backwards = scores(modelOf([[0, 1, 2]], { ruleShare: 1e3, ruleEarlierFactor: 0.5, sessionDistanceScale: 0.01 }), [1]);
    expect(backwards[0]).toBeCloseTo(0.5, 2);
  });
});

describe("session neighbours against a plain reference", () => {
  /** Every pair of the running session's items and a past session, without index, cap or scratch. */
  function reference(sessions: readonly (readonly number[])[], current: readonly number[], settings: SessionSettings): number[] {
    const votes = new Array<number>(itemCount).fill(0);
    for (const session of sessions) {
      let similarity = 0;
      let match = -1;
      [...new Set([...current].reverse())].forEach((item) => {
        if (!session.includes(item)) return;
        const back = current.length - 1 - current.lastIndexOf(item);
        const count = sessions.filter((other) => other.includes(item)).length;
        similarity +=
          Math.exp(-back / settings.sessionPositionScale) * Math.log(1 + sessions.length / (count + 1)) ** settings.sessionRarity;
        if (match < 0) match = session.lastIndexOf(item);
      });
      similarity /= session.length ** settings.sessionLengthExponent;
      session.forEach((item, place) => {
        const away = Math.abs(place - match);
        const fall = Math.exp(-(away - 1) / settings.sessionDistanceScale);
        votes[item]! +=
          similarity * (away === 0 ? settings.sessionMatchFactor : place > match ? fall : settings.sessionEarlierFactor * fall);
      });
    }
    const best = Math.max(...votes);
    return votes.map((vote) => (best > 0 ? vote / best : 0));
  }

  it("agrees on any sessions", () => {
    const anySession = fc.array(fc.nat(itemCount - 1), { minLength: 2, maxLength: 6 });
    const overrides = {
      sessionRarity: 2,
      sessionLengthExponent: 0.5,
      sessionMatchFactor: 0.5,
      sessionEarlierFactor: 0.6,
      sessionRecentItems: 255,
    };
    fc.assert(
      fc.property(fc.array(anySession, { minLength: 1, maxLength: 8 }), anySession, (sessions, current) => {
        const expected = reference(sessions, current, settingsFor(overrides));
        scores(modelOf(sessions, overrides), current).forEach((score, item) => {
          expect(score).toBeCloseTo(expected[item]!, 3);
        });
      }),
    );
  });
});

describe("sessions of a history", () => {
  const day = 86_400;
  const now = 100 * day;
  /** [item, seconds before now, type] by user. */
  const history = (users: readonly (readonly (readonly [number, number, number])[])[]): Interactions =>
    interactionsOf(
      users.map((events) => events.map(([item, ago, type]) => [item, now - ago, type] as const)),
      itemCount,
    );
  const weights = Float64Array.of(0, 0.1, 0.5, 1, 0.5, 0, 0);
  const collect = (interactions: Interactions, overrides: Record<string, unknown> = {}): Promise<SessionColumns> =>
    collectSessions(interactions, now, weights, settingsFor(overrides), createPace(new AbortController().signal));
  const listed = ({ offsets, items }: SessionColumns): number[][] =>
    Array.from({ length: offsets.length - 1 }, (_, s) => [...items.subarray(offsets[s], offsets[s + 1])]);

  it("ends a session at a pause, orders sessions by their end, forgets single events and dislikes", async () => {
    const interactions = history([
      [
        [0, 5000, 1],
        [1, 4000, 1],
        [2, 2000, 1],
        [3, 1900, 5],
        [3, 1000, 1],
      ],
      [
        [4, 9000, 3],
        [5, 8999, 3],
        [0, 100, 1],
      ],
    ]);
    const found = await collect(interactions);
    expect(listed(found)).toEqual([
      [4, 5],
      [0, 1],
      [2, 3],
    ]);
    expect(found.ages[0]).toBeCloseTo(8999 / day, 6);
    expect(listed(await collect(interactions, { sessionGapMinutes: 60 }))).toEqual([
      [4, 5],
      [0, 1, 2, 3],
    ]);
    expect(listed(await collect(interactions, { sessionsMax: 1 }))).toEqual([[2, 3]]);
    expect(listed(await collect(interactions, { sessionGapMinutes: 60, sessionItemsMax: 2 }))).toEqual([
      [4, 5],
      [2, 3],
    ]);
  });

  it("auto: data of whole days have no sessions, data with times have", () => {
    const days = history([
      [
        [0, 2 * day, 3],
        [1, 2 * day, 3],
      ],
    ]);
    const timed = history([
      [
        [0, 2 * day + 7, 1],
        [1, 2 * day, 1],
        [2, 5, 1],
      ],
    ]);
    const auto = settingsFor({});
    expect([wantsSessions(days, auto), wantsSessions(timed, auto)]).toEqual([false, true]);
    expect(wantsSessions(days, settingsFor({ sessions: "on" }))).toBe(true);
    expect(wantsSessions(timed, settingsFor({ sessions: "off" }))).toBe(false);
  });

  it("stops when aborted, and refuses bad settings by name", async () => {
    const pace = { due: () => true, turn: () => Promise.reject(new Error("aborted")) };
    await expect(collectSessions(history([[[0, 2, 1]]]), now, weights, settingsFor({}), pace)).rejects.toThrow("aborted");
    expect(() => settingsFor({ sessionGapMinutes: 0 })).toThrow(/sessionGapMinutes/);
    expect(() => settingsFor({ sessionDecay: "sudden" })).toThrow(/sessionDecay/);
  });
});
