/** The examples in docs/examples against our own scores. They need packages of Python's, so they run in CI and by `npm run test:python`. */

import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { indexCatalog, writeCatalog } from "#libs/release/catalog-part.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { defaultLabels } from "../../services/cli/training/label-weeks.ts";
import { trainSequencePart } from "../../services/cli/training/sequence.ts";
import { loadModels, type SequenceModel } from "../../services/fleet.ts";
import { labelled, catalog as shopCatalog, sources, statistics } from "../../services/ranking/labelled.fixture.ts";

const scriptOf = (name: string): string => fileURLToPath(new URL(`../../docs/examples/${name}.py`, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "modiste-python-"));
const python = join(folder, "venv/bin/python");

/** Why it cannot run; null when the packages are there. */
function install(): string | null {
  if (!process.env.CI && !process.env.MODISTE_TEST_PYTHON) return "it downloads packages: npm run test:python";
  for (const [command, ...words] of [
    ["python3", "-m", "venv", join(folder, "venv")],
    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "numpy", "onnxruntime"],
  ] as const) {
    const { status, error, stderr } = spawnSync(command, words, { encoding: "utf8", timeout: 300_000 });
    if (status !== 0) return `${command} ${words.join(" ")}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`;
  }
  return null;
}

const missing = install();
if (missing !== null) process.stderr.write(`docs/examples is not tested: ${missing}\n`);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(missing !== null)(`the Python example of SASRec${missing === null ? "" : ` is not tested: ${missing}`}`, () => {
  const { catalog, interactions, nowSeconds } = createFixtureShop();
  const indexed = indexCatalog(catalog, nowSeconds);
  const release = join(folder, "releases/.draft-python");
  let model: SequenceModel;

  beforeAll(async () => {
    const models = await loadModels();
    const draft = await openFolderStore(join(folder, "releases")).create("python");
    await draft.writePart("vocabulary", async (part) => writeCatalog(part, catalog, nowSeconds));
    const shape = { dimensions: 16, feedForward: 32, heads: 2, length: 10, batchRows: 16, epochs: 2 };
    const options = {
      recipe: { sasrec: { ...shape, timeGaps: "input", eventTypes: "input" } },
      labels: defaultLabels,
      data: { fingerprint: "fixture", catalog, interactions, endSeconds: nowSeconds },
      models,
      seed: 1,
      threads: 1,
      progress: noProgress,
      signal: new AbortController().signal,
    };
    await trainSequencePart(options, interactions, draft, catalog);
    model = await models.sequence.loadSequencePart({ part: await draft.readPart("sasrec"), catalog: indexed });
  });
  afterAll(() => model?.close());

  const run = (...words: string[]) => spawnSync(python, [scriptOf("score_sasrec"), release, ...words], { encoding: "utf8" });

  it("scores the golden histories as we do, to 1e-4", () => {
    const { stdout, stderr, status } = run("--golden");
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/^8 golden histories, largest difference /);
  });

  it.each([[[]], [["item-3"]], [["item-3", "of tomorrow", ...Array.from({ length: 14 }, (_, i) => `item-${i * 5 + 3}`)]]])(
    "prints the best items of %s as we score them",
    async (ids) => {
      const { stdout, stderr } = run("--top", "20", ...ids);
      const history = {
        items: ids.map((id) => indexed.indexOf.get(id) ?? -1),
        times: ids.map((_, i) => i * 86_400),
        types: ids.map(() => 3),
      };
      const all = Int32Array.from({ length: catalog.itemCount }, (_, item) => item);
      const scores = model.scores(await model.states([history]), all);
      const lines = stdout.trim().split("\n");
      expect(lines, stderr).toHaveLength(20);
      for (const line of lines) {
        const [id, score] = line.split("\t");
        expect(Math.abs(Number(score) - scores[indexed.indexOf.get(id!)!]!)).toBeLessThan(1e-4);
      }
      const best = Math.max(...scores);
      expect(Number(lines[0]!.split("\t")[1])).toBeCloseTo(best, 4);
    },
  );
});

describe.skipIf(missing !== null)(`the Python example of Wide & Deep${missing === null ? "" : ` is not tested: ${missing}`}`, () => {
  const release = join(folder, "releases/.draft-ranker");
  const script = scriptOf("score_ranker");
  const { query } = labelled(210);
  let scores: Float64Array;
  let rows: string;

  beforeAll(async () => {
    const { ranker } = await loadModels();
    const draft = await openFolderStore(join(folder, "releases")).create("ranker");
    const weeks = [
      { nowSeconds: query.nowSeconds, catalog: shopCatalog, statistics, queries: Array.from({ length: 80 }, (_, user) => labelled(user)) },
    ];
    const serving = { catalog: shopCatalog, statistics };
    const settings = { kind: "wide-deep", wide: "none", hidden1: 16, hidden2: 8, epochs: 2 };
    const options = { weeks, sources, serving, sequence: null, settings, seed: 1, threads: 1, progress: noProgress };
    await draft.writePart("ranking", (part) => ranker.fit({ ...options, part, signal: new AbortController().signal }));
    const artifact = await ranker.load({ part: await draft.readPart("ranking"), catalog: shopCatalog, sequence: null });
    const positions = Int32Array.from(query.candidates.keys());
    const { names, values } = ranker.features(artifact, query, positions);
    const columns = [shopCatalog.category, ...shopCatalog.attributes];
    rows = Array.from(positions, (row) =>
      JSON.stringify({
        features: Object.fromEntries(names.map((name, c) => [name, values[row * names.length + c]])),
        categories: Object.fromEntries([
          ...columns.map(({ name, codes }) => [name, codes[query.candidates[row]!]]),
          // Nothing is known of the user's age.
          ["segment", 0],
        ]),
      }),
    ).join("\n");
    scores = await ranker.score(artifact, query);
    await ranker.close(artifact);
  });

  it("scores the golden rows as we do, to 1e-4", () => {
    const { stdout, stderr, status } = spawnSync(python, [script, release, "--golden"], { encoding: "utf8" });
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/^8 golden rows, largest difference /);
  });

  it("scores rows of features as we do", () => {
    const { stdout, stderr } = spawnSync(python, [script, release], { encoding: "utf8", input: rows });
    const found = stdout.trim().split("\n").map(Number);
    expect(found, stderr).toHaveLength(scores.length);
    found.forEach((score, row) => {
      expect(Math.abs(score - scores[row]!)).toBeLessThan(1e-4 * Math.max(1, Math.abs(scores[row]!)));
    });
  });
});
