/** Makes the small trained shop of the tests in a folder: data set, release, profiles. A process of its own, see shop.ts. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "#libs/core/clock.ts";
import { noProgress } from "#libs/core/progress.ts";
import { findHmFiles, importHm } from "#libs/data/importers/hm.ts";
import { synthesize } from "#libs/data/synth/synth.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { homeFolders } from "../../services/cli/home.ts";
import { seedProfiles } from "../../services/cli/seed-profiles.ts";
import { loadTrainingData } from "../../services/cli/training/load-data.ts";
import { trainRelease } from "../../services/cli/training/train-release.ts";
import { loadModels } from "../../services/fleet.ts";

const dataSet = "tiny";
const seed = 1;
/** Small enough to train within seconds, large enough for every source to have something to say. */
const size = { users: 1500, items: 800, purchases: 45_000 };

async function makeShop(home: string): Promise<void> {
  const folders = homeFolders(home);
  const raw = join(home, "raw");
  const out = join(folders.data, dataSet);
  const signal = new AbortController().signal;
  const run = { progress: noProgress, signal };
  await synthesize({ size, seed, out: raw, ...run });
  await importHm(findHmFiles([raw]), { out, name: dataSet, ...run });
  await rm(raw, { recursive: true });
  const store = openFolderStore(join(home, "releases"));
  const { manifest } = await trainRelease({
    data: await loadTrainingData(out, noProgress, signal),
    models: await loadModels(),
    store,
    seed,
    threads: 1,
    rankerUsersMax: 500,
    codeVersion: "test",
    settings: {},
    clock: systemClock,
    onStep: (step, seconds) => process.stderr.write(`${step} ${seconds.toFixed(1)} s\n`),
    ...run,
  });
  await seedProfiles(folders, dataSet);
  await store.promote(manifest.id);
}

await makeShop(process.argv[2] as string);
