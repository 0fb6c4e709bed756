/** Experiments on the fixture shop: what is compared, what is remembered, and what must never be seen. */

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { secondsPerWeek, systemClock } from "#libs/core/clock.ts";
import { noProgress } from "#libs/core/progress.ts";
import { casesDigest, windowCases } from "#libs/data/cases.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { historyBefore } from "#libs/data/splits.ts";
import { meanOf } from "#libs/evaluation/measures/measure.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { interactionsOf } from "#libs/testing/interactions.ts";
import { type FleetModels, loadModels } from "../../fleet.ts";
import { defaultLabels } from "../training/label-weeks.ts";
import { offlineCandidates, rankQuery } from "../training/offline.ts";
import type { EvaluationData } from "./data.ts";
import { checkExperiment, defaultRecipe, parseExperiment, type Recipe } from "./document.ts";
import { caseUser, fitModels, makeLists } from "./models.ts";
import type { ExperimentOptions } from "./options.ts";
import { openRunRecords } from "./records.ts";
import { reportPage } from "./report/page.ts";
import { type ExperimentResult, runExperiment } from "./run.ts";
import { summarise, summaryTable } from "./summary.ts";
import { tune } from "./tune.ts";

const fixture = createFixtureShop();
const data: EvaluationData = {
  name: "fixture",
  fingerprint: "0123456789abcdef",
  interactions: fixture.interactions,
  catalog: fixture.catalog,
  users: fixture.users,
  endSeconds: fixture.nowSeconds,
  testFrom: null,
};

/** Small nets: a fit takes a second. */
const sources = { lightgcn: { epochs: 2, dimensions: 8 }, content: { dimensions: 8 } };
const document = (changes: Record<string, unknown> = {}) =>
  checkExperiment(
    { name: "test", data: "fixture", split: { kind: "weeks", weeks: 1 }, k: [5, 12], recipes: { default: { sources } }, ...changes },
    "test",
  );

let home: string;
let models: FleetModels;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "modiste-experiment-"));
  models = await loadModels();
});

afterAll(() => rm(home, { recursive: true, force: true }));

const optionsFor = (changes: Record<string, unknown> = {}, own: Partial<ExperimentOptions> = {}): ExperimentOptions => ({
  document: document(changes),
  data,
  models,
  records: openRunRecords(join(home, "runs")),
  scratch: join(home, "scratch"),
  threads: 1,
  codeVersion: "test",
  progress: noProgress,
  signal: new AbortController().signal,
  clock: systemClock,
  onCases: () => undefined,
  ...own,
});

describe("an experiment", () => {
  let result: ExperimentResult;
  beforeAll(async () => {
    result = await runExperiment(optionsFor({ sensitivity: [{ source: "itemcf", setting: "neighbours", values: [5, 50] }] }));
  });

  it("compares baselines, sources, their union and the pipeline on the same cases", () => {
    const summary = summarise(result);
    expect(summary.models.map(({ name }) => name)).toEqual([
      "most_popular",
      "own_recent",
      ...models.sources.map(({ name }) => name),
      "union",
      "modiste",
    ]);
    expect(summary).toMatchObject({ headline: "map@5", baseline: "modiste" });
    expect(summary.digests).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
    const [popular, modiste] = ["most_popular", "modiste"].map((name) => summary.models.find((model) => model.name === name)!);
    expect(modiste!.means.get("recall@12")!).toBeGreaterThan(popular!.means.get("recall@12")!);
    expect(popular!.behind!.count).toBe(summary.cases);
    expect(summaryTable(summary)).toContain("modiste less it");
    expect(summary.segments.map(({ segmentation }) => segmentation)).toContain("age");
  });

  it("measures candidates by depth: never less for more, and the union at least as much as its best part", () => {
    const union = result.depth.get("union")!;
    for (const [name, points] of result.depth) {
      points.forEach(({ recall }, d) => {
        if (d > 0) expect(recall).toBeGreaterThanOrEqual(points[d - 1]!.recall);
        expect(union[d]!.recall, name).toBeGreaterThanOrEqual(recall);
      });
    }
  });

  it("says what a setting does", () => {
    expect(result.sensitivity.map(({ value }) => value)).toEqual([5, 50]);
    expect(result.sensitivity[0]!.values).toHaveLength(result.users.length);
  });

  it("becomes one page that loads nothing and escapes what data say", () => {
    const strange = { ...result, data: { ...data, name: "<script>alert(1)</script>" } };
    const page = reportPage(result.document, [{ result: strange, summary: summarise(strange) }]);
    expect(page).not.toMatch(/<script|src=|href=|url\(/);
    for (const part of ["Comparison", "By segment", "Recall by list length", "Learning curves", "Sensitivity", "Examples"]) {
      expect(page).toContain(`<h2>${part}</h2>`);
    }
  });

  it("is remembered: a second run fits nothing and gives the same figures", async () => {
    const fit = (): never => {
      throw new Error("fitted again");
    };
    const unfit: FleetModels = {
      ...models,
      sources: models.sources.map(({ name, source }) => ({ name, source: { ...source, fit } })),
      ranker: { ...models.ranker, fit },
    };
    const again = await runExperiment(
      optionsFor({ sensitivity: [{ source: "itemcf", setting: "neighbours", values: [5, 50] }] }, { models: unfit }),
    );
    expect(again.models.map(({ values }) => values)).toEqual(result.models.map(({ values }) => values));
    expect(again.depth).toEqual(result.depth);
    await expect(runExperiment(optionsFor({ seed: 2 }, { models: unfit }))).rejects.toThrow("fitted again");
  });

  it("goes on after it was stopped with what was done, and leaves no scratch folder", async () => {
    const stop = new AbortController();
    const run = runExperiment(
      optionsFor(
        { seed: 3, models: ["popularity", "itemcf"] },
        { signal: stop.signal, progress: ({ step }) => step === "popularity: lists" && stop.abort() },
      ),
    );
    await expect(run).rejects.toThrow();
    expect(await readdir(home)).not.toContain("scratch");
    const steps = new Set<string>();
    await runExperiment(optionsFor({ seed: 3, models: ["popularity", "itemcf"] }, { progress: ({ step }) => void steps.add(step) }));
    expect(steps).toContain("itemcf: lists");
    expect(steps).not.toContain("popularity: lists");
  });
});

/** The same data with purchases of one item by every user inside the window that is evaluated. */
function planted(from: number): Interactions {
  const { items, times, offsets, userCount, itemCount } = data.interactions;
  const eventsOf = (start: number, end: number): [number, number][] =>
    Array.from({ length: end - start }, (_, i) => [items[start + i]!, times[start + i]!]);
  const users = Array.from({ length: userCount }, (_, user) => {
    const { start, end } = historyBefore(data.interactions, user, from);
    return [...eventsOf(start, end), [199, from] as const, ...eventsOf(end, offsets[user + 1]!)];
  });
  return interactionsOf(users, itemCount, 10);
}

describe("an experiment that was stopped in a long training", () => {
  const sasrec = { dimensions: 8, feedForward: 8, length: 8, batchRows: 8, epochs: 3 };
  const changes = { name: "stopped", models: ["sasrec"], recipes: { small: { sasrec } } };
  const run = (own: Partial<ExperimentOptions>, from = changes): Promise<ExperimentResult> =>
    runExperiment(optionsFor(from, { records: openRunRecords(join(home, "stopped")), ...own }));
  const folder = (onResume: (file: string, step: number) => void = () => undefined) => ({ home, every: 10, onResume });

  it("goes on from its checkpoint to the same lists, refuses one of other settings, and leaves none", async () => {
    const stop = new AbortController();
    const progress = ({ step, done }: { readonly step: string; readonly done: number }): void => {
      if (step === "sasrec" && done === 33) stop.abort();
    };
    await expect(run({ checkpointFolder: folder(), progress, signal: stop.signal })).rejects.toMatchObject({ code: "cancelled" });
    const [file] = await readdir(join(home, "checkpoints"));
    expect(file).toMatch(/^experiment-stopped-fixture-.*-small\.safetensors$/);
    const other = { ...changes, recipes: { small: { sasrec: { ...sasrec, epochs: 4 } } } };
    await expect(run({ checkpointFolder: folder() }, other)).rejects.toThrow(
      /of another training: settings\.epochs is 3 in it, 4 now\. Remove/,
    );
    const resumed: number[] = [];
    const again = await run({ checkpointFolder: folder((_, step) => void resumed.push(step)) });
    expect(resumed).toEqual([33]);
    const whole = await run({ records: openRunRecords(join(home, "never-stopped")) });
    expect(again.sets[0]!.lists).toEqual(whole.sets[0]!.lists);
    expect(again.models[0]!.parts).toEqual(whole.models[0]!.parts);
    expect(await readdir(join(home, "checkpoints"))).toEqual([]);
  });
});

describe("the future", () => {
  const from = data.endSeconds - secondsPerWeek;
  const smallNets = { hidden1: 8, hidden2: 4, epochs: 1, validationShare: 0 };

  /** Everything that is said of the evaluated week's users, from what is known at its start. */
  async function saidWith(interactions: Interactions, ranking: Recipe["ranking"], wanted: readonly string[]) {
    const cases = windowCases(interactions, { from, to: data.endSeconds }, { types: ["purchase"], users: null });
    const everyone = windowCases(data.interactions, { from, to: data.endSeconds }, { types: ["purchase"], users: null });
    const store = openFolderStore(join(home, `future-${String(ranking.kind)}-${interactions === data.interactions}`));
    const options = {
      ...optionsFor(),
      data: { ...data, interactions },
      recipe: { ...defaultRecipe, sources, sasrec: { dimensions: 8, feedForward: 8, length: 8, epochs: 1 }, ranking, ranker_users: 200 },
      labels: defaultLabels,
      seed: 1,
      threads: 1,
      store,
    };
    const fitted = await fitModels(options, cases, wanted);
    // The same users in both: what they took differs, what is known of them must not.
    const asked = { ...fitted, cases: { ...everyone, train: cases.train, histories: cases.histories } };
    const names = [...models.sources.map(({ name }) => name), "union", ...wanted];
    const lists = await Promise.all(names.map(async (name) => (await makeLists(asked, options.data, name, 12, options)).items));
    const { ranker, artifact, quotas } = fitted.pipeline!;
    const ranked = [];
    for (let c = 0; c < everyone.users.length; c++) {
      const user = caseUser(asked, options.data, c);
      const query = rankQuery(user, offlineCandidates(fitted.sources, user, fitted.catalog, quotas, 500, defaultLabels));
      const { values } = ranker.features(artifact, query, Int32Array.from(query.candidates.keys()));
      const said = query.sources.map(({ source, scores, ranks }) => ({ source, scores: Array.from(scores), ranks: Array.from(ranks) }));
      ranked.push({ candidates: query.candidates, said, features: values, scores: await ranker.score(artifact, query) });
    }
    return { digest: casesDigest(cases), model: ranker.model(artifact), lists, ranked };
  }

  it.each([
    ["the linear ranker, and SASRec alone", { kind: "linear" }, "logistic", ["sasrec", "modiste"]],
    ["Wide & Deep over SASRec's states", { kind: "wide-deep", ...smallNets }, "wide-deep", ["modiste"]],
  ])(
    "planted in the evaluated week changes no feature, no score of a source, no score and no list of %s",
    async (_, ranking, model, wanted) => {
      const plain = await saidWith(data.interactions, ranking, wanted);
      const leaking = await saidWith(planted(from), ranking, wanted);
      expect(leaking.digest).not.toBe(plain.digest);
      expect(plain.model).toBe(model);
      expect(leaking.lists).toEqual(plain.lists);
      expect(leaking.ranked).toEqual(plain.ranked);
      expect(plain.ranked.some(({ features }) => features.some((value) => value !== 0))).toBe(true);
      expect(plain.lists.at(-1)!.some((item) => item >= 0)).toBe(true);
    },
  );
});

describe("tune", () => {
  it("finds better settings on the validation part, the same ones again from its records", async () => {
    const section = {
      model: "itemcf",
      trials: 8,
      ranges: { "itemcf.neighbours": { from: 1, to: 60, whole: true }, "itemcf.weighting": { choices: ["cosine", "confidence"] } },
    };
    const seen: number[] = [];
    const run = () => tune({ ...optionsFor({ tune: section }), onTrial: (trial) => void seen.push(trial.value) });
    const { best, trials, recipe, figure } = await run();
    expect(figure).toBe("map@5");
    expect(trials).toHaveLength(8);
    expect(best.value).toBe(Math.max(...trials.filter(({ stopped }) => !stopped).map(({ value }) => value)));
    expect(recipe.sources.itemcf).toMatchObject({ neighbours: best.settings["itemcf.neighbours"] });
    expect((await run()).trials).toEqual(trials);
    expect(meanOf(seen.slice(0, 8))).toBe(meanOf(seen.slice(8)));
  });

  it("never reads the test part", async () => {
    const test = windowCases(
      data.interactions,
      { from: data.endSeconds - secondsPerWeek, to: data.endSeconds },
      { types: ["purchase"], users: null },
    );
    const section = { model: "popularity", trials: 2, ranges: { "popularity.halfLifeDays": { from: 1, to: 30 } } };
    const without = { ...data, interactions: test.train };
    const values = async (own: EvaluationData) =>
      (
        await tune({
          ...optionsFor({ tune: section, seed: 9 }),
          data: own,
          records: openRunRecords(join(home, `test-part-${own === data}`)),
          onTrial: () => undefined,
        })
      ).trials;
    expect(await values(without)).toEqual(await values(data));
  });
});

describe("a document that does not fit", () => {
  it.each([
    ["data: x\nsplit: {kind: weeks}\n", /name:/],
    ["name: a\ndata: x\nsplit: {kind: months}\n", /split\.kind/],
    ["name: a\ndata: x\nsplit: {kind: weeks}\nmetrcis: [map]\n", /metrcis/],
    ["name: a\ndata: x\nsplit: {kind: windows, windows: [{from: 2020-01-02, to: 2020-01-01}]}\n", /`from` must be before `to`/],
    ["name: a\ndata: [x\n", /line/],
    ["name: a\ndata: x\nsplit: {kind: weeks, until: 2020}\n", /split\.until: must be a date/],
    ["name: a\ndata: x\nsplit: {kind: weeks}\nrecipes: {}\n", /names no recipe/],
    ["name: a\ndata: x\nsplit: {kind: weeks}\nmodels: [itemcf, itemcf]\n", /names a model twice/],
  ])("is refused, naming the field: %s", (text, says) => {
    expect(() => parseExperiment(text, "experiment.yaml")).toThrow(says);
    expect(() => parseExperiment(text, "experiment.yaml")).toThrow("experiment.yaml");
  });

  it("is refused when it names an unknown model, source or setting", async () => {
    await expect(runExperiment(optionsFor({ models: ["itemfc"] }))).rejects.toThrow(/models: itemfc: known are most_popular/);
    await expect(runExperiment(optionsFor({ recipes: { a: { sources: { itemfc: {} } } } }))).rejects.toThrow(/recipes\.a\.sources/);
    await expect(
      runExperiment(optionsFor({ models: ["itemcf"], recipes: { a: { sources: { itemcf: { neighbors: 3 } } } } })),
    ).rejects.toThrow(/settings\.neighbors/);
    await expect(runExperiment(optionsFor({ split: { kind: "given" } }))).rejects.toThrow(/no given split/);
    await expect(runExperiment(optionsFor({ baseline: "nosuch" }))).rejects.toThrow(/baseline: "nosuch" is none of/);
    await expect(runExperiment(optionsFor({ headline: "map@7" }))).rejects.toThrow(/headline: "map@7" is none of/);
    await expect(runExperiment(optionsFor({ split: { kind: "weeks", weeks: 1, until: "2035-01-01" } }))).rejects.toThrow(
      /nobody took anything/,
    );
    const idle = { model: "popularity", ranges: { "itemcf.neighbours": { from: 1, to: 9 } } };
    await expect(tune({ ...optionsFor({ tune: idle }), onTrial: () => undefined })).rejects.toThrow(/changes nothing in model popularity/);
  });
});
