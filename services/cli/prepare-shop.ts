/** Makes a small synthetic shop where there is no release: data set, release, profiles. What is there already is used again. */

import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ModisteError } from "#libs/core/errors.ts";
import { findHmFiles, importHm } from "#libs/data/importers/hm.ts";
import { synthSizes } from "#libs/data/synth/sizes.ts";
import { synthesize } from "#libs/data/synth/synth.ts";
import { featureVersion } from "#libs/features/features.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import { promoteIfPassed, trainWithProgress } from "./commands/train.ts";
import { type HomeFolders, openReleases } from "./home.ts";
import { seedProfiles } from "./seed-profiles.ts";
import { stopSignal } from "./stop-signal.ts";
import { print, progressLine } from "./terminal.ts";
import { rankingPart } from "./training/train-release.ts";

const dataSet = "synth-small";
const seed = 1;

async function makeDataSet(folders: HomeFolders): Promise<void> {
  const out = join(folders.data, dataSet);
  if (existsSync(join(out, "dataset.json"))) return;
  const raw = join(folders.home, "raw", dataSet);
  const signal = stopSignal();
  const line = progressLine();
  try {
    await synthesize({ size: synthSizes.small, seed, out: raw, force: true, progress: line.progress, signal });
    await importHm(findHmFiles([raw]), { out, name: dataSet, force: true, progress: line.progress, signal });
    await rm(raw, { recursive: true, force: true });
  } finally {
    line.end();
  }
}

/** The rest of such a release serves on, unranked: whoever starts it hears why. */
async function warnOfOldFeatures(store: ReleaseStore, id: string): Promise<void> {
  const manifest = await store.manifest(id);
  const { feature_version: version = 1 } = (await store.part(manifest, rankingPart)).meta();
  if (version === featureVersion) return;
  print(
    `release ${id} was trained on features of version ${version}, this code computes version ${featureVersion}: its answers are not ranked until ` +
      `modiste train --data ${manifest.data.name} --no-gate`,
  );
}

/** Makes nothing where a release serves already. */
export async function prepareShop(folders: HomeFolders): Promise<void> {
  const store = openReleases(folders);
  const current = await store.current();
  if (current !== null) return warnOfOldFeatures(store, current);
  print("no release yet: making a small synthetic shop (10,000 users, 5,000 items) and training on it");
  await makeDataSet(folders);
  const manifest = await trainWithProgress({
    folders,
    data: dataSet,
    seed,
    threads: availableParallelism(),
    rankerUsers: 2000,
    settings: {},
    gate: true,
  });
  await seedProfiles(folders, dataSet);
  // Promoted last: a start that was stopped before begins again here.
  if (!(await promoteIfPassed({ folders, gate: true }, manifest)))
    throw new ModisteError("failed_precondition", "release_refused", `release ${manifest.id} of the synthetic shop was refused`);
}
