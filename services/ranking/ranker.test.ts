import { beforeAll, describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import type { PartReader } from "#libs/release/part.ts";
import type { LabelledQuery, RankerFitContext, SequenceStates } from "#libs/serve/ranker.ts";
import { fixtureClusters } from "#libs/testing/fixture.ts";
import { createMemoryPart } from "#libs/testing/memory-part.ts";
import { queryOf } from "./feature-maker.ts";
import { catalog, labelled, shop, sources, statistics } from "./labelled.fixture.ts";
import { ranker } from "./ranker.ts";

type Artifact = Awaited<ReturnType<typeof ranker.load>>;

const teaching = Array.from({ length: 200 }, (_, user) => labelled(user));
const unseen = Array.from({ length: 100 }, (_, i) => labelled(200 + i));

/** Small and quick. */
const kinds = {
  linear: { kind: "linear" },
  "wide-deep": { kind: "wide-deep", hidden1: 16, hidden2: 8, batchLists: 8, epochs: 10, learningRate: 0.01, listLength: 48 },
} as const;

const weeks = [{ nowSeconds: shop.nowSeconds, catalog, statistics, queries: teaching }];
const alone = { weeks, sources, serving: { catalog, statistics }, sequence: null, seed: 3, threads: 0, progress: noProgress } as const;

async function fitted(settings: Readonly<Record<string, unknown>>, more: Partial<RankerFitContext> = {}): Promise<PartReader> {
  const part = createMemoryPart("ranking");
  await ranker.fit({ ...alone, settings, part, signal: new AbortController().signal, ...more });
  return part.reader();
}

const load = (part: PartReader, sequence: SequenceStates | null = null) => ranker.load({ part, catalog, sequence });

/** Share of (taken, other) pairs of one query that are in the right order. */
function rightPairs({ query, labels }: LabelledQuery, scores: Float64Array): number {
  const of = (label: number): number[] => [...query.candidates.keys()].filter((i) => labels[i] === label);
  const pairs = of(1).flatMap((taken) => of(0).map((other) => (scores[taken]! > scores[other]! ? 1 : 0) as number));
  return pairs.reduce((sum, right) => sum + right, 0) / pairs.length;
}

const none = { items: new Int32Array(0), times: [], types: [] };
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Share of right pairs of users that the ranker never saw. */
async function shareRight(artifact: Artifact): Promise<number> {
  return meanOf(await Promise.all(unseen.map(async (each) => rightPairs(each, await ranker.score(artifact, each.query)))));
}

describe.each(Object.entries(kinds))("the %s ranker", (_, settings) => {
  let part: PartReader;
  let artifact: Artifact;
  beforeAll(async () => {
    part = await fitted(settings);
    artifact = await load(part);
  });

  it("ranks what users took above what they did not, for users that it never saw", async () => {
    expect(await shareRight(artifact)).toBeGreaterThan(0.8);
  });

  it("gives one finite score a candidate, also without sources, events, attributes and candidates", async () => {
    const { query } = unseen[0]!;
    const nothing = { ...query, candidates: new Int32Array(0), sources: [] };
    for (const bare of [query, { ...query, sources: [] }, { ...query, events: none, sources: [] }, nothing]) {
      const scores = await ranker.score(artifact, bare);
      expect(scores.length).toBe(bare.candidates.length);
      expect(scores.every(Number.isFinite)).toBe(true);
    }
  });

  it("does not depend on the order of candidates or sources", async () => {
    const { query } = unseen[1]!;
    const scores = await ranker.score(artifact, query);
    const turn = <T>(list: ArrayLike<T>): T[] => Array.from(list).reverse();
    const turned = await ranker.score(artifact, {
      ...query,
      candidates: Int32Array.from(turn(query.candidates)),
      sources: turn(query.sources).map((column) => ({ ...column, scores: turn(column.scores), ranks: turn(column.ranks) })),
    });
    turn(turned).forEach((score, i) => {
      expect(score).toBeCloseTo(scores[i]!, 5);
    });
  });

  it("gives a candidate the same score whoever stands beside it", async () => {
    const { query } = unseen[1]!;
    const all = await ranker.score(artifact, query);
    const positions = Int32Array.of(7, 2, 30);
    const few = await ranker.score(artifact, queryOf(query, positions));
    positions.forEach((position, i) => {
      expect(few[i]).toBeCloseTo(all[position]!, 5);
    });
  });

  it("says what each group of inputs adds to a score", async () => {
    const labelled = unseen[0]!;
    const ranks = Array.from(labelled.query.sources[0]!.ranks);
    const positions = Int32Array.of(ranks.indexOf(1), ranks.indexOf(0));
    const { groups, values } = await ranker.contributions(artifact, labelled.query, positions);
    expect(groups).toEqual(expect.arrayContaining(["itemcf", "own_purchases", "affinity", "price", "sales", "novelty", "user"]));
    expect(values.length).toBe(positions.length * groups.length);
    expect(values.every(Number.isFinite)).toBe(true);
    // A source speaks for what it ranks first, and against what it does not name.
    const of = (row: number, group: string): number => values[row * groups.length + groups.indexOf(group)]!;
    expect(of(0, "itemcf")).toBeGreaterThan(of(1, "itemcf"));
  });

  it("is the same when it is fitted again", async () => {
    const again = await load(await fitted(settings));
    const { query } = unseen[2]!;
    expect(await ranker.score(again, query)).toEqual(await ranker.score(artifact, query));
  });

  it("answers requests that wait for each other with their own scores", async () => {
    const one = await Promise.all(unseen.map(({ query }) => ranker.score(artifact, query)));
    for (const [i, { query }] of unseen.entries()) expect(one[i]).toEqual(await ranker.score(artifact, query));
  });

  it("refuses a part that was trained on other features than this code computes", async () => {
    const renamed: PartReader = { ...part, meta: () => ({ ...part.meta(), feature_hash: "0".repeat(64) }) };
    await expect(load(renamed)).rejects.toMatchObject({ code: "failed_precondition", reason: "feature_hash" });
    const otherSources: PartReader = { ...part, meta: () => ({ ...part.meta(), sources: ["itemcf"] }) };
    await expect(load(otherSources)).rejects.toMatchObject({ reason: "feature_hash" });
  });

  it("stops when it is told to", async () => {
    await expect(fitted(settings, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
  });
});

/** States that tell the cluster which the user will take from; every other source of that knowledge is taken away. */
const d = 4;
const vectors = Float32Array.from({ length: (shop.catalog.itemCount + 1) * d }, (_, at) =>
  Math.floor(at / d) % fixtureClusters === at % d ? 1 : 0,
);
const tables = {
  d,
  length: 10,
  items: vectors,
  positions: new Float32Array(10 * d),
  types: null,
  gaps: null,
  nobody: new Float32Array(d),
};
const sequence: SequenceStates = {
  tables,
  states: async (histories) => {
    const states = new Float32Array(histories.length * d);
    histories.forEach(({ items }, h) => {
      if (items.length > 0) states[h * d + (items[items.length - 1]! % fixtureClusters)] = 1;
    });
    return states;
  },
};

describe("rankers by name", () => {
  it("refuses a kind that it does not know, and a part that none of them wrote", async () => {
    expect(() => ranker.check({ kind: "magic" }, "--settings")).toThrow(/--settings.*ranking\.kind.*linear, wide-deep/);
    const part = await fitted(kinds.linear);
    const foreign: PartReader = { ...part, meta: () => ({ ...part.meta(), model: "magic" }) };
    await expect(load(foreign)).rejects.toMatchObject({ code: "failed_precondition", reason: "ranker_unknown" });
  });

  it("say which of them a part is of", async () => {
    for (const [name, settings] of Object.entries(kinds)) {
      const artifact = await load(await fitted(settings));
      expect(ranker.model(artifact)).toBe(name === "linear" ? "logistic" : name);
    }
  });
});

it("the linear ranker's contributions and one constant are its scores", async () => {
  const artifact = await load(await fitted(kinds.linear));
  const { query } = unseen[0]!;
  const positions = Int32Array.from(query.candidates.keys());
  const { groups, values } = await ranker.contributions(artifact, query, positions);
  const scores = await ranker.score(artifact, query);
  const rest = Array.from(
    scores,
    (score, row) => score - values.slice(row * groups.length, (row + 1) * groups.length).reduce((a, b) => a + b, 0),
  );
  for (const constant of rest) expect(constant).toBeCloseTo(rest[0]!, 4);
});

describe("the wide-deep ranker", () => {
  const settings = kinds["wide-deep"];

  it("reads SASRec's states, and refuses a release whose SASRec is missing or of another size", async () => {
    const bare = { ...settings, sourceScores: "none", wide: "none" };
    const part = await fitted(bare, { sequence });
    const artifact = await load(part, sequence);
    expect(await shareRight(artifact)).toBeGreaterThan(0.8);
    await expect(load(part)).rejects.toMatchObject({ reason: "sequence_differs", message: expect.stringContaining("4 dimensions") });
    const other = { ...sequence, tables: { ...tables, d: 8 } };
    await expect(load(part, other)).rejects.toMatchObject({ reason: "sequence_differs" });
  });

  it("explains against the average of what it was trained on", async () => {
    // One state for everybody: SASRec tells nothing then, however far from nothing it is.
    const same: SequenceStates = { tables, states: async (histories) => new Float32Array(histories.length * d).fill(3) };
    const artifact = await load(await fitted({ ...settings, wideL1: 0.01 }, { sequence: same }), same);
    const { query } = unseen[2]!;
    const { groups, values } = await ranker.contributions(artifact, query, Int32Array.from(query.candidates.keys()));
    const of = (group: string): number[] => Array.from(query.candidates, (_, row) => values[row * groups.length + groups.indexOf(group)]!);
    expect(groups).toEqual(expect.arrayContaining(["attributes", "sequence", "crosses"]));
    // The wide part is added as it is: its differences are those of the crosses' sums, so some item has more than another.
    expect(Math.max(...of("crosses"))).toBeGreaterThan(Math.min(...of("crosses")));
    // Against the average candidate some gain by SASRec and some lose; against nothing all would do the same.
    expect(Math.max(...of("sequence"))).toBeGreaterThan(0);
    expect(Math.min(...of("sequence"))).toBeLessThan(0);
  });

  it("does not read what a setting leaves out", async () => {
    const { query } = unseen[3]!;
    const artifact = await load(await fitted({ ...settings, sourceScores: "none" }));
    const without = await ranker.score(artifact, { ...query, sources: [] });
    expect(await ranker.score(artifact, query)).toEqual(without);
    const bare = await fitted({ ...settings, counters: "none" });
    const scale = bare.float32("scale");
    const names = (bare.meta() as { features: string[] }).features;
    for (const name of ["trend", "log_count_7", "segment_lift"]) expect(scale[names.indexOf(name)]).toBe(0);
    expect(scale[names.indexOf("bought")]).toBeGreaterThan(0);
  });

  it("of two towers ranks by who asks and what it is, whatever sources and own purchases say", async () => {
    const towers = await load(await fitted({ ...settings, network: "two-tower", wide: "none", epochs: 40 }, { sequence }), sequence);
    expect(ranker.model(towers)).toBe("two-tower");
    expect(await shareRight(towers)).toBeGreaterThan(0.7);
    const { query } = unseen[5]!;
    expect(await ranker.score(towers, { ...query, sources: [] })).toEqual(await ranker.score(towers, query));
  });

  it("learns from lists as well", async () => {
    expect(await shareRight(await load(await fitted({ ...settings, loss: "listwise" })))).toBeGreaterThan(0.8);
  });

  it.each([
    [{ depth: 3 }, /--settings: ranking: settings\.depth/],
    [{ embedding: 6 }, /--settings: ranking: settings\.embedding must be a multiple of 4/],
    [{ hidden1: "many" }, /--settings: ranking: settings\.hidden1/],
  ])("names a setting that it cannot take: %j", (more, says) => {
    expect(() => ranker.check({ kind: "wide-deep", ...more }, "--settings")).toThrow(says);
    expect(() => ranker.check(more, "--settings")).toThrow(/--settings.*the linear ranker has no settings/);
  });

  it.each([
    ["graph_version", { graph_version: 99 }],
    ["meta_broken", { golden: "none" }],
    ["vocabulary_differs", { embedded: [{ name: "colour", size: 3 }] }],
    ["crosses_differ", { cross_count: 1 }],
  ])("refuses a part by name: %s", async (reason, change) => {
    const part = await fitted({ ...settings, epochs: 1 });
    const changed: PartReader = { ...part, meta: () => ({ ...part.meta(), ...change }) };
    await expect(load(changed)).rejects.toMatchObject({ reason, message: expect.stringContaining("part ranking") });
  });

  it("refuses a graph of another training: its golden rows tell", async () => {
    const [one, two] = [await fitted({ ...settings, epochs: 1 }), await fitted({ ...settings, epochs: 2 })];
    await expect(load({ ...one, path: (name) => two.path(name) })).rejects.toMatchObject({ code: "data_loss", reason: "golden_differs" });
    await expect(load({ ...one, path: (name) => `${one.path(name)}.gone` })).rejects.toMatchObject({ reason: "release_file_missing" });
  });

  it("takes an item with unknown values", async () => {
    const { query } = unseen[4]!;
    const codes = catalog.category.codes.slice();
    codes[query.candidates[0]!] = -1;
    const part = await fitted({ ...settings, epochs: 1 });
    const artifact = await ranker.load({ part, catalog: { ...catalog, category: { ...catalog.category, codes } }, sequence: null });
    expect((await ranker.score(artifact, query)).every(Number.isFinite)).toBe(true);
  });
});
