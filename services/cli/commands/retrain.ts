import { setTimeout as delay } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { systemClock } from "#libs/core/clock.ts";
import { readManifest } from "#libs/data/manifest.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { dataSetFolder, type HomeFolders } from "../home.ts";
import { stopSignal } from "../stop-signal.ts";
import { print, remark } from "../terminal.ts";
import { promoteIfPassed, type TrainFlags, trainWithProgress, withTrainOptions, workOf } from "./train.ts";

const unitSeconds: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800 };

/** "90m", "6h", "1d", "1w" in milliseconds. */
function duration(text: string): number {
  const [, count, unit] = /^(\d+)([mhdw])$/.exec(text) ?? [];
  const seconds = Number(count) * (unitSeconds[unit ?? ""] ?? Number.NaN);
  if (!(seconds > 0)) throw new InvalidArgumentError("--every takes a duration such as 90m, 6h, 1d or 1w.");
  return seconds * 1000;
}

/** Whether the serving release was made of these very data. */
async function isTrained(folders: HomeFolders, data: string): Promise<boolean> {
  const store = openFolderStore(folders.releases);
  const current = await store.current();
  if (current === null) return false;
  return (await store.manifest(current)).data.fingerprint === readManifest(dataSetFolder(folders, data)).fingerprint;
}

/** One round; what goes wrong in it is said, and the next round comes all the same. */
async function retrainOnce(flags: TrainFlags, signal: AbortSignal): Promise<void> {
  const work = workOf(flags);
  try {
    if (await isTrained(work.folders, flags.data)) {
      print(`${flags.data} has not changed since the serving release was made`);
      return;
    }
    await promoteIfPassed(work.folders, await trainWithProgress({ ...work, signal }));
  } catch (error) {
    if (signal.aborted) return;
    remark(`retraining failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function retrain(flags: TrainFlags & { readonly every: number }): Promise<void> {
  const signal = stopSignal();
  while (!signal.aborted) {
    const started = systemClock.monotonicMs();
    await retrainOnce(flags, signal);
    const restMs = Math.max(0, flags.every - (systemClock.monotonicMs() - started));
    await delay(restMs, undefined, { signal }).catch((cause: unknown) => {
      if (!signal.aborted) throw cause;
    });
  }
}

export function retrainCommand(): Command {
  return withTrainOptions(new Command("retrain"))
    .description("train again and again: when the data set has changed, through the same gate as train")
    .requiredOption("--every <duration>", "from one start to the next, such as 6h or 1d", duration)
    .action(retrain);
}
