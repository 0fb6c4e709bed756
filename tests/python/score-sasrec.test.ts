/** docs/examples/score_sasrec.py against our own scores. It needs packages of Python's, so it runs in CI and by `npm run test:python`. */

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

const script = fileURLToPath(new URL("../../docs/examples/score_sasrec.py", import.meta.url));
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
if (missing !== null) process.stderr.write(`docs/examples/score_sasrec.py is not tested: ${missing}\n`);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(missing !== null)(`the Python example${missing === null ? "" : ` is not tested: ${missing}`}`, () => {
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

  const run = (...words: string[]) => spawnSync(python, [script, release, ...words], { encoding: "utf8" });

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
