import { beforeEach, describe, expect, it } from "vitest";
import type { EventHistory } from "#libs/models/sasrec/encoder.ts";
import type { SequenceStates } from "#libs/serve/ranker.ts";
import { cacheStates } from "./state-cache.ts";

const historyOf = (...items: number[]): EventHistory => ({ items, times: items.map((_, at) => 100 + at), types: items.map(() => 3) });

let asked: EventHistory[][];
let broken: boolean;
/** A state is the sum of the items. */
const sums = {
  states: async (histories: readonly EventHistory[]) => {
    asked.push([...histories]);
    if (broken) throw new Error("no session");
    return Float32Array.from(histories, ({ items }) => Array.from(items).reduce((sum, item) => sum + item, 0));
  },
} as unknown as SequenceStates;

beforeEach(() => {
  asked = [];
  broken = false;
});

describe("states of users", () => {
  it("are worked out once for the same events, also when two ask at once", async () => {
    const cached = cacheStates(sums);
    const both = await Promise.all([cached.states([historyOf(1, 2)]), cached.states([historyOf(1, 2)])]);
    expect([both[0]![0], both[1]![0], (await cached.states([historyOf(1, 2)]))[0]]).toEqual([3, 3, 3]);
    expect(asked).toHaveLength(1);
  });

  it("are worked out again when an event, its time or its type differs", async () => {
    const cached = cacheStates(sums);
    const { items, times, types } = historyOf(1, 2);
    for (const other of [historyOf(1, 2), historyOf(1, 2, 3), { items, times: [100, 102], types }, { items, times, types: [3, 4] }])
      await cached.states([other]);
    expect(asked).toHaveLength(4);
  });

  it("are dropped when others were asked for since", async () => {
    const cached = cacheStates(sums, 2);
    for (const item of [1, 2, 1, 3, 1, 2]) await cached.states([historyOf(item)]);
    // 2 went when 3 came, since 1 had been asked for again.
    expect(asked.map(([history]) => history!.items[0])).toEqual([1, 2, 3, 2]);
  });

  it("of several at once are none of the cache's business", async () => {
    const cached = cacheStates(sums);
    expect([...(await cached.states([historyOf(1), historyOf(2)]))]).toEqual([1, 2]);
    await cached.states([historyOf(1)]);
    expect(asked.map(({ length }) => length)).toEqual([2, 1]);
  });

  it("that failed are asked for again", async () => {
    const cached = cacheStates(sums);
    broken = true;
    await expect(cached.states([historyOf(1)])).rejects.toThrow("no session");
    broken = false;
    expect((await cached.states([historyOf(1)]))[0]).toBe(1);
  });
});
