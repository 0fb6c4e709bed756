/** A data set in memory, as experiments read it: of any length, with its given split if it has one. */

import type { Progress } from "#libs/core/progress.ts";
import { openDataset } from "#libs/data/dataset.ts";
import { endOfData } from "#libs/data/splits.ts";
import type { TrainingData } from "../training/train-release.ts";

export interface EvaluationData extends TrainingData {
  /** Start of the given test part, null without one. */
  readonly testFrom: number | null;
}

export async function loadEvaluationData(folder: string, progress: Progress, signal: AbortSignal): Promise<EvaluationData> {
  const dataset = await openDataset(folder);
  try {
    const interactions = await dataset.loadInteractions(progress, signal);
    const { name, fingerprint, test_from: testFrom } = dataset.manifest;
    return {
      name,
      fingerprint,
      interactions,
      catalog: await dataset.loadCatalog(),
      users: await dataset.loadUsers(),
      endSeconds: endOfData(interactions),
      testFrom: testFrom ?? null,
    };
  } finally {
    dataset.close();
  }
}
