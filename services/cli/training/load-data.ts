/** A data set in memory, as the trainer takes it. */

import { ModisteError } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import { openDataset } from "#libs/data/dataset.ts";
import { endOfData } from "#libs/data/splits.ts";
import { dataSecondsMin } from "./label-weeks.ts";
import type { TrainingData } from "./train-release.ts";

/** Throws `failed_precondition` naming the data set when it is too short for label weeks. */
export async function loadTrainingData(folder: string, progress: Progress, signal: AbortSignal): Promise<TrainingData> {
  const dataset = await openDataset(folder);
  try {
    const interactions = await dataset.loadInteractions(progress, signal);
    const catalog = await dataset.loadCatalog();
    const users = await dataset.loadUsers();
    const { name, fingerprint, time_range: time } = dataset.manifest;
    const endSeconds = endOfData(interactions);
    if (endSeconds - time.first < dataSecondsMin()) {
      const days = Math.floor((endSeconds - time.first) / 86_400);
      throw new ModisteError(
        "failed_precondition",
        "data_too_short",
        `data set ${name} spans ${days} days; training needs ${dataSecondsMin() / 86_400}`,
      );
    }
    return { name, fingerprint, interactions, catalog, users, endSeconds };
  } finally {
    dataset.close();
  }
}
