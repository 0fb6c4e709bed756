/** An answer always comes and tells the truth: every part late, dead or lying, alone and in pairs. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Fault, Faults } from "#libs/rpc/faults.ts";
import { type Answer, httpShop, type RunningShop, runOneProcess, until } from "../e2e/running-shop.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { allSources, sourcesFor } from "../support/sources.ts";

/** Those that a personal answer asks. */
const sources = sourcesFor("recommend");
const faults = new Faults();
let shop: TestShop;
let running: RunningShop;
/** Sources that have something to say to somebody of whom nothing is known; seen at the start, when nothing is wrong. */
let forStrangers: string[];

beforeAll(async () => {
  shop = await openTestShop();
  // Time for everything but what hangs: a busy machine is no fault.
  running = await runOneProcess(shop, { faults, env: { MODISTE_DEADLINE_MS: "1000" } });
  await until(
    () => ask(),
    ({ grade }) => grade === "FULL",
    200,
  );
  const { coverage } = await until(askAsStranger, ({ grade }) => grade === "FULL", 200);
  forStrangers = coverage.sources.flatMap(({ source, candidates }) => (candidates > 0 ? [source] : []));
});

afterEach(() => faults.clear());

afterAll(async () => {
  await running?.close();
  await shop?.remove();
});

const ask = (): Promise<Answer> => running.post("/v1/recommendations", { user_id: shop.userIds[6] });

const askAsStranger = (): Promise<Answer> => running.post("/v1/recommendations", { user_id: "nobody-knows-me" });

const degradedParts = ({ coverage }: Answer): string => [...new Set(coverage.degraded.map((entry) => entry.split(":")[0]!))].sort().join();

/** Circuits of a test before may still be open: asks until what is named is degraded and nothing else. */
async function askWith(names: readonly string[], fault: Fault, look = ask): Promise<Answer> {
  faults.clear();
  for (const name of names) faults.set(name, fault);
  const answer = await until(look, (given) => degradedParts(given) === [...names].sort().join(), 400);
  expect(answer.items.length).toBe(12);
  expect(new Set(answer.items.map(({ item_id }) => item_id)).size).toBe(12);
  return answer;
}

const dead: Fault = { kind: "error", code: "unavailable" };
const broken: Fault = { kind: "error", code: "internal" };

describe("one part dead", () => {
  it.each(sources)("%s: PARTIAL, and it is named", async (source) => {
    const answer = await askWith([source], dead);
    expect(answer.grade).toBe("PARTIAL");
    expect(answer.coverage.degraded).toEqual([expect.stringMatching(`^${source}:(unavailable|deadline_exceeded)$`)]);
    expect(answer.coverage).toMatchObject({ asked: sources.length, answered: sources.length - 1, user: "KNOWN" });
    expect(answer.coverage.sources.find((entry) => entry.source === source)).toMatchObject({
      outcome: expect.stringMatching(/failed|late/),
      candidates: 0,
    });
  });

  it.each(sources)("%s failing with a bug of its own: PARTIAL as well", async (source) => {
    expect((await askWith([source], broken)).grade).toBe("PARTIAL");
  });

  it("ranking: UNRANKED", async () => {
    expect((await askWith(["ranking"], dead)).grade).toBe("UNRANKED");
  });

  it("profile: IMPERSONAL; a session at hand is used all the same", async () => {
    const answer = await askWith(["profile"], dead);
    expect(answer.grade).toBe("IMPERSONAL");
    expect(answer.coverage.user).toBe("UNAVAILABLE");
    const events = [{ item_id: answer.items[0]!.item_id, type: "view" }];
    const session = await running.post("/v1/recommendations", { session_id: "s", events });
    expect(session.coverage).toMatchObject({ user: "SESSION", events: 1 });
    expect(session.coverage.degraded).toContain("profile:unavailable");
    expect(session.items.length).toBe(12);
  });
});

describe("two parts dead", () => {
  const parts = [...sources, "ranking", "profile"];
  const pairs = parts.flatMap((first, i) => parts.slice(i + 1).map((other) => [first, other] as const));
  /** The worst rung that applies. */
  const rung = (pair: readonly string[]): string =>
    pair.includes("profile") && pair.includes("popularity")
      ? "STATIC"
      : pair.includes("profile")
        ? "IMPERSONAL"
        : pair.includes("ranking")
          ? "UNRANKED"
          : "PARTIAL";

  it.each(pairs)("%s and %s", async (first, other) => {
    const pair = [first, other];
    const expected = rung(pair);
    // Without the profile everybody is a stranger. Whoever else has something to say to strangers is silenced beside popularity.
    const names = expected === "STATIC" ? [...new Set([...pair, ...forStrangers])] : pair;
    expect((await askWith(names, dead)).grade).toBe(expected);
  });
});

describe("all sources dead", () => {
  it("STATIC: the release's own popular list", async () => {
    const answer = await askWith(sources, dead);
    expect(answer.grade).toBe("STATIC");
    expect(answer.coverage).toMatchObject({ asked: sources.length, answered: 0 });
    expect(answer.items.every(({ reasons }) => reasons[0]?.kind === "popular_static")).toBe(true);
  });

  it("STATIC with everything else dead too", async () => {
    const names = [...sources, "profile"];
    expect((await askWith(names, dead)).grade).toBe("STATIC");
  });

  it("similar items and popular lists are answered as well", async () => {
    for (const name of allSources) faults.set(name, dead);
    const popular = await httpShop(running.url).get("/v1/popular?n=30");
    expect(popular).toMatchObject({ grade: "STATIC" });
    expect(popular.items.length).toBe(30);
    const similar = await httpShop(running.url).get(`/v1/items/${popular.items[3]!.item_id}/similar`);
    expect(similar.items.length).toBe(12);
    expect(similar.items.map(({ item_id }) => item_id)).not.toContain(popular.items[3]!.item_id);
  });
});

describe("a stranger", () => {
  it("is answered by popularity alone when every other source is dead", async () => {
    expect(forStrangers).toContain("popularity");
    const others = sources.filter((source) => source !== "popularity");
    const answer = await askWith(others, dead, askAsStranger);
    expect(answer).toMatchObject({ grade: "PARTIAL", coverage: { user: "UNKNOWN" } });
    expect(new Set(answer.items.flatMap(({ reasons }) => reasons.map(({ source }) => source)))).toEqual(new Set(["popularity"]));
  });

  it("gets the popular list of the release when those are dead that have something to say: nobody else has", async () => {
    const answer = await askWith(forStrangers, dead, askAsStranger);
    expect(answer).toMatchObject({ grade: "STATIC", coverage: { user: "UNKNOWN" } });
    expect(answer.items.every(({ reasons }) => reasons[0]?.kind === "popular_static")).toBe(true);
  });
});

describe("a filter that excludes everything", () => {
  it("gives an empty list that says which, and no degradation", async () => {
    await until(ask, ({ grade }) => grade === "FULL", 400);
    const answer = await until(
      () => running.post("/v1/recommendations", { user_id: shop.userIds[6], filter: { price_max: 0.01 } }),
      ({ coverage }) => coverage.degraded.length === 0,
      50,
    );
    expect(answer).toMatchObject({ items: [], grade: "FULL" });
    expect((answer.coverage as unknown as { removed: { filter: string }[] }).removed.map(({ filter }) => filter)).toContain("requested");
  });
});

describe("a part that lies", () => {
  it.each([...sources, "ranking", "profile"])("%s with broken columns and numbers never breaks the answer", async (name) => {
    faults.set(name, { kind: "garbage" });
    for (let i = 0; i < 3; i++) {
      const answer = await ask();
      expect(answer.items.length).toBe(12);
      expect(answer.items.every(({ score }) => Number.isFinite(score))).toBe(true);
    }
  });
});
