/** Training a release, by step. */

import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#libs/core/clock.ts";
import { noProgress } from "#libs/core/progress.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { loadTrainingData } from "../../services/cli/training/load-data.ts";
import { trainRelease } from "../../services/cli/training/train-release.ts";
import { loadModels } from "../../services/fleet.ts";
import type { Figure } from "./report.ts";
import { shopUsers } from "./shop.ts";

export async function benchTraining(home: string): Promise<Figure[]> {
  const { data } = await shopUsers(home, 1);
  const { signal } = new AbortController();
  const scratch = mkdtempSync(join(tmpdir(), "modiste-bench-"));
  const figures: Figure[] = [];
  const started = systemClock.monotonicMs();
  try {
    await trainRelease({
      data: await loadTrainingData(join(home, "data", data), noProgress, signal),
      models: await loadModels(),
      store: openFolderStore(scratch),
      seed: 1,
      threads: availableParallelism(),
      rankerUsersMax: 10_000,
      codeVersion: "bench",
      settings: {},
      progress: noProgress,
      signal,
      clock: systemClock,
      onStep: (step, seconds) => {
        figures.push({ name: `${data}.train.${step.replace(/\W+/g, "-")}`, value: seconds, unit: "s", better: "lower" });
      },
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const total = (systemClock.monotonicMs() - started) / 1000;
  return [...figures, { name: `${data}.train.total`, value: total, unit: "s", better: "lower", budget: 1800 }];
}
