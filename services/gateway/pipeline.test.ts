import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noFilter } from "#libs/catalog/filter.ts";
import type { Source } from "#libs/pipeline/pipeline.ts";
import { runPipeline } from "#libs/pipeline/run.ts";
import { surfaces } from "#libs/pipeline/surfaces.ts";
import { Grade } from "#protos/recommender.ts";
import { definePipeline, defineShedPipeline, type PipelineClients } from "./pipeline.ts";
import type { GatewayQuery } from "./query.ts";
import { gradeOf } from "./respond/respond.ts";
import { activeRules, compileRules } from "./rules/compile.ts";
import type { Rule, RuleWhere } from "./rules/rule.ts";
import { historyOf, queryOf, sixItems } from "./test-shop.fixture.ts";

const release = sixItems();
const { catalog } = release;
const empty = { when: {}, pin: [], boost: [], bury: [], hide: [] };

interface Case {
  readonly rules: readonly Rule[];
  /** Dense indexes that the one source offers. */
  readonly offered: readonly number[];
  /** What the ranker says of each item. */
  readonly scores: readonly number[];
  readonly limit: number;
  readonly surface: GatewayQuery["surface"];
  readonly events: readonly (readonly [string, "purchase" | "view" | "dislike", number])[];
  readonly priceMax: number;
}

function clientsOf({ rules, offered, scores }: Case): PipelineClients {
  const source: Source<GatewayQuery> = {
    name: "itemcf",
    budgetMs: 1000,
    applies: () => true,
    retrieve: async () => ({
      release: "r1",
      items: Int32Array.from(offered),
      scores: offered.map(() => 1),
      reasons: offered.map(() => 0),
      reasonWords: ["bought_together"],
      because: [],
      pinned: true,
    }),
  };
  const compiled = compileRules(rules, catalog);
  return {
    profiles: { getProfiles: async () => ({ profiles: [] }) } as unknown as PipelineClients["profiles"],
    ranker: {
      rank: async ({ itemIds = [] }: { readonly itemIds?: readonly string[] }) => ({
        scores: itemIds.map((id) => scores[catalog.indexOf.get(id)!]!),
      }),
    } as unknown as PipelineClients["ranker"],
    sources: [source],
    rules: { match: (query) => activeRules(compiled, query) },
    candidatesMax: 4,
  };
}

async function run(given: Case, define = definePipeline) {
  const pipeline = define(clientsOf(given));
  const session = historyOf(...given.events);
  const query = queryOf({
    release,
    subjects: [],
    limit: given.limit,
    surface: given.surface,
    filter: { ...noFilter, priceMax: given.priceMax },
    session: session.itemIds.map((itemId, i) => ({
      eventId: `e${i}`,
      subject: "u",
      itemId,
      type: given.events[i]![1],
      timeSeconds: session.timesSeconds[i]!,
      value: 0,
      quantity: 0,
      surface: "",
      recommendationId: "",
      position: 0,
    })),
  });
  const result = await runPipeline(pipeline, query, query.limit, {
    signal: new AbortController().signal,
    remainingMs: () => 10_000,
    nowMs: () => 0,
    observer: { stage: (_, work) => work(), sourceCandidates: () => undefined },
  });
  const allowed = pipeline.filters.map(({ keep }) => keep(result.query) ?? (() => true));
  return {
    result,
    list: Array.from(result.chosen, (position) => result.candidates.items[position]!),
    passes: (item: number) => allowed.every((keep) => keep(item)),
  };
}

const wheres: fc.Arbitrary<RuleWhere> = fc.oneof(
  fc.record({ items: fc.subarray([...catalog.ids, "gone"], { minLength: 1 }) }),
  fc.record({ categories: fc.subarray(["Dress", "Shirt", "Coat"], { minLength: 1 }) }),
  fc.record({ attributes: fc.record({ colour: fc.constant(["Black"]) }) }),
);
const boosts = fc.array(fc.record({ where: wheres, factor: fc.constantFrom(1.5, 2, 10, 1e6) }), { maxLength: 2 });
const rulesOf = fc
  .array(
    fc.record({
      pin: fc.array(fc.record({ item: fc.constantFrom(...catalog.ids, "gone"), position: fc.integer({ min: 1, max: 7 }) }), {
        maxLength: 3,
      }),
      boost: boosts,
      bury: boosts,
      hide: fc.array(wheres, { maxLength: 1 }),
    }),
    { maxLength: 3 },
  )
  .map((rules): Rule[] => rules.map((rule, i) => ({ ...rule, name: `rule-${i}`, when: {} })));

const cases: fc.Arbitrary<Case> = fc.record({
  rules: rulesOf,
  offered: fc.shuffledSubarray([0, 1, 2, 3, 4, 5]),
  scores: fc.array(fc.oneof(fc.double({ min: -5, max: 5, noNaN: true }), fc.constant(Number.NaN)), { minLength: 6, maxLength: 6 }),
  limit: fc.integer({ min: 1, max: 6 }),
  surface: fc.constantFrom(...Object.values(surfaces)),
  events: fc.array(
    fc.tuple(fc.constantFrom(...catalog.ids), fc.constantFrom("purchase" as const, "view" as const, "dislike" as const), fc.nat(30)),
    {
      maxLength: 3,
    },
  ),
  priceMax: fc.constantFrom(0, 11),
});

describe("the shed pipeline", () => {
  const given: Case = {
    rules: [],
    offered: [3, 4],
    scores: [0, 0, 0, 9, 9, 0],
    limit: 3,
    surface: surfaces.home,
    events: [],
    priceMax: 0,
  };

  it("asks nobody, and lists what is popular, under the same filters", async () => {
    const nobody = (): never => {
      throw new Error("was asked");
    };
    const { result, list } = await run({ ...given, events: [[catalog.ids[release.part.popular[0]!]!, "dislike", 1]] }, (clients) =>
      defineShedPipeline({
        ...clients,
        profiles: { getProfiles: nobody } as unknown as PipelineClients["profiles"],
        ranker: { rank: nobody } as unknown as PipelineClients["ranker"],
        sources: clients.sources.map((source) => ({ ...source, retrieve: nobody })),
      }),
    );
    expect(list).toEqual([...release.part.popular].slice(1, 4));
    expect(gradeOf(result)).toBe(Grade.GRADE_STATIC);
    expect(result.degraded).toEqual(["profile:resource_exhausted", "itemcf:resource_exhausted"]);
  });
});

describe("whatever the rules are", () => {
  it("no item comes twice or past a filter, and the same request is answered the same", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const { list, passes } = await run(given);
        expect(new Set(list).size).toBe(list.length);
        expect(list.length).toBeLessThanOrEqual(given.limit);
        expect(list.filter((item) => !passes(item))).toEqual([]);
        expect((await run(given)).list).toEqual(list);
      }),
    );
  });

  it("the first pin of the file is in the list if its item passes the filters, and at its position if the list is full", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const { list, passes } = await run(given);
        const eligible = given.rules
          .flatMap(({ pin }) => pin)
          .filter(({ item, position }) => catalog.indexOf.has(item) && position <= given.limit);
        const first = eligible.find(({ item }) => passes(catalog.indexOf.get(item)!));
        if (first && list.length === given.limit) expect(list[first.position - 1]).toBe(catalog.indexOf.get(first.item));
        for (const { item } of first ? [first] : []) expect(list).toContain(catalog.indexOf.get(item));
      }),
    );
  });

  it("pins take no item out of the list but those at its end, and change no order", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        // Without caps, which rightly count pins.
        const surface = { ...given.surface, arrange: { groupMax: 0, categoryMax: 0, diversity: 0 } };
        const rules = given.rules.map(({ name, pin }) => ({ ...empty, name, pin }));
        const { list } = await run({ ...given, surface, rules });
        const plain = await run({ ...given, surface, rules: [] });
        const pinned = new Set(rules.flatMap(({ pin }) => pin.map(({ item }) => catalog.indexOf.get(item))));
        const others = list.filter((item) => !pinned.has(item));
        expect(others).toEqual(plain.list.filter((item) => !pinned.has(item)).slice(0, others.length));
        expect(list.length).toBeGreaterThanOrEqual(plain.list.length);
      }),
    );
  });

  it("rules that are not there, or do not apply, change nothing", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const { result } = await run({ ...given, rules: [] });
        const idle = given.rules.map((rule) => ({ ...rule, when: { from: 9e9 } }));
        const { query: _, ...rest } = (await run({ ...given, rules: idle })).result;
        expect({ ...rest, query: result.query }).toEqual(result);
      }),
    );
  });
});

const plain: Case = {
  rules: [],
  offered: [0, 1, 2, 3],
  scores: [-1, -2, -3, -4, -5, -6],
  limit: 3,
  surface: surfaces.home,
  events: [],
  priceMax: 0,
};
const ruled = (rule: Partial<Rule>, given: Partial<Case> = {}) => run({ ...plain, rules: [{ ...empty, name: "r", ...rule }], ...given });

describe("a rule", () => {
  it("pins what no source offered, and says so of no source", async () => {
    const { list, result } = await ruled({ pin: [{ item: "c0", position: 2 }] });
    expect(list).toEqual([0, 5, 1]);
    expect(result.candidates.sources[0]!.ranks[result.chosen[1]!]).toBe(0);
  });

  it.each([
    ["not available any more", "b1", {}, {}],
    ["outside the request's filter", "b0", { priceMax: 11 }, {}],
    ["bought, where the surface drops that", "a2", { surface: surfaces.product, events: [["a2", "purchase", 3]] }, {}],
    ["disliked", "a2", { events: [["a2", "dislike", 3]] }, {}],
    ["hidden by a rule", "a2", {}, { hide: [{ items: ["a2"] }] }],
    ["unknown to the release", "gone", {}, {}],
  ] as const)("does not pin an item that is %s", async (_, item, given, rule) => {
    const asked = given as unknown as Partial<Case>;
    const { list } = await ruled({ pin: [{ item, position: 1 }], ...rule }, asked);
    expect(list).toEqual((await ruled(rule, asked)).list);
  });

  it("boosts and buries by where an item belongs, also where scores are negative", async () => {
    const boosted = await ruled({ boost: [{ where: { categories: ["Shirt"] }, factor: 1e6 }] });
    expect(boosted.list).toEqual([3, 0, 1]);
    expect(boosted.result.scores[boosted.result.chosen[0]!]).toBeGreaterThan(-1);
    expect((await ruled({ bury: [{ where: { items: ["a0"] }, factor: 1e6 }] })).list).toEqual([1, 2, 3]);
  });

  it("pins over the last resort, and does not hide that no source answered", async () => {
    const { list, result } = await ruled({ pin: [{ item: "c0", position: 1 }] }, { offered: [] });
    expect(result.lastResort).toBe(true);
    expect(list).toEqual([5, 3, 0]);
  });
});
