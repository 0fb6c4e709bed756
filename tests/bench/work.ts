/** Heavy work in a process of its own, so that its memory is its own: `work.ts import <raw> <out>` or `work.ts train <data> <releases>`. */

import { availableParallelism } from "node:os";
import { systemClock } from "#libs/core/clock.ts";
import { noProgress } from "#libs/core/progress.ts";
import { openDataset } from "#libs/data/dataset.ts";
import { findHmFiles, importHm } from "#libs/data/importers/hm.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { loadTrainingData } from "../../services/cli/training/load-data.ts";
import { trainRelease } from "../../services/cli/training/train-release.ts";
import { loadModels } from "../../services/fleet.ts";

export interface WorkReport {
  readonly seconds: number;
  readonly rows: number;
  readonly peakMiB: number;
  readonly steps: Readonly<Record<string, number>>;
}

const signal = new AbortController().signal;

async function importRows(raw: string, out: string): Promise<number> {
  await importHm(findHmFiles([raw]), { out, name: "bench", force: true, progress: noProgress, signal });
  const dataset = await openDataset(out);
  const rows = (await dataset.loadInteractions()).items.length;
  dataset.close();
  return rows;
}

async function train(data: string, releases: string, steps: Record<string, number>): Promise<number> {
  const training = await loadTrainingData(data, noProgress, signal);
  await trainRelease({
    data: training,
    models: await loadModels(),
    store: openFolderStore(releases),
    seed: 1,
    threads: availableParallelism(),
    rankerUsersMax: 10_000,
    codeVersion: "bench",
    settings: {},
    progress: noProgress,
    signal,
    clock: systemClock,
    onStep: (step, seconds) => {
      steps[step] = seconds;
    },
  });
  return training.interactions.items.length;
}

const [what, from, to] = process.argv.slice(2) as [string, string, string];
const steps: Record<string, number> = {};
const startedMs = performance.now();
const rows = what === "import" ? await importRows(from, to) : await train(from, to, steps);
const seconds = (performance.now() - startedMs) / 1000;
const report: WorkReport = { seconds, rows, peakMiB: process.resourceUsage().maxRSS / 1024, steps };
process.stdout.write(JSON.stringify(report));
