/** What happens before serving: import of files and training. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noProgress } from "#libs/core/progress.ts";
import { synthSizes } from "#libs/data/synth/sizes.ts";
import { synthesize } from "#libs/data/synth/synth.ts";
import { type Bench, type Figures, higher, lower } from "./bench.ts";
import { runScript } from "./children.ts";
import { dataFolder } from "./load.ts";
import type { WorkReport } from "./work.ts";

async function work(...args: string[]): Promise<WorkReport> {
  return JSON.parse(await runScript("tests/bench/work.ts", args)) as WorkReport;
}

async function inScratch<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "modiste-bench-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Large enough that opening the database does not count. */
const importSize = "medium" as const;

export const importing: Bench = {
  name: "import",
  about: "rows a second and memory of an import in H&M's form",
  run: ({ say }) =>
    inScratch(async (folder) => {
      const raw = join(folder, "raw");
      say(`writing a ${importSize} shop`);
      await synthesize({ size: synthSizes[importSize], seed: 1, out: raw, progress: noProgress, signal: new AbortController().signal });
      const { seconds, rows, peakMiB } = await work("import", raw, join(folder, "data"));
      return {
        [`${importSize}.hm-import.rate`]: higher(rows / seconds, "rows/s", 500_000),
        [`${importSize}.hm-import.peak`]: lower(peakMiB, "MiB", 4096),
      };
    }),
};

export const training: Bench = {
  name: "training",
  about: "seconds of each step of modiste train, and its memory",
  run: ({ home, data }) =>
    inScratch(async (folder) => {
      const { seconds, peakMiB, steps } = await work("train", await dataFolder(home), join(folder, "releases"));
      const figures: Figures = {};
      for (const [step, took] of Object.entries(steps))
        figures[`${data}.train.${step.replace(/[^a-z]+/g, "-").replace(/-$/, "")}`] = lower(took, "s");
      figures[`${data}.train.all`] = lower(seconds, "s", 1800);
      figures[`${data}.train.peak`] = lower(peakMiB, "MiB", 12_288);
      return figures;
    }),
};
