import { setTimeout as delay } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { systemClock } from "#libs/core/clock.ts";
import { invalid } from "#libs/core/errors.ts";
import { readManifest } from "#libs/data/manifest.ts";
import { createNotice } from "../gate/notice.ts";
import { dataSetFolder, type HomeFolders, openReleases } from "../home.ts";
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

/** Whether a release was made of these very data, serving or refused: what a person or the gate decided of it stands. */
async function isTrained(folders: HomeFolders, fingerprint: string): Promise<boolean> {
  const store = openReleases(folders);
  const made = await Promise.all((await store.list()).map((id) => store.manifest(id)));
  return made.some(({ data }) => data.fingerprint === fingerprint);
}

/** Answers false when a release was made that does not serve. */
async function retrainOnce(flags: TrainFlags, signal: AbortSignal): Promise<boolean> {
  const work = workOf(flags);
  const { fingerprint } = readManifest(dataSetFolder(work.folders, flags.data));
  if (await isTrained(work.folders, fingerprint)) {
    print(`${flags.data} has not changed since a release was made of it`);
    return true;
  }
  return promoteIfPassed(work, await trainWithProgress({ ...work, staleCheckpoint: "remove", signal }));
}

/** One round of many: what goes wrong in it is said, and the next round comes all the same. */
async function retrainRound(flags: TrainFlags, signal: AbortSignal): Promise<void> {
  try {
    await retrainOnce(flags, signal);
  } catch (error) {
    if (signal.aborted) return;
    remark(`retraining failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Node's timers end at 2^31 ms, some 24 days. */
const restMsMax = 86_400_000;

async function rest(untilMs: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = untilMs - systemClock.monotonicMs(); leftMs > 0 && !signal.aborted; leftMs = untilMs - systemClock.monotonicMs()) {
    await delay(Math.min(leftMs, restMsMax), undefined, { signal }).catch((cause: unknown) => {
      if (!signal.aborted) throw cause;
    });
  }
}

async function retrain(flags: TrainFlags & { readonly every?: number; readonly once: boolean }): Promise<void> {
  if (flags.once === (flags.every !== undefined)) throw invalid("--every", "either --every or --once must be given");
  const signal = stopSignal();
  // What no later round could mend fails at once: an unknown data set, wrong settings, a webhook that is no address.
  readManifest(dataSetFolder(workOf(flags).folders, flags.data));
  createNotice();
  if (flags.every === undefined) {
    if (!(await retrainOnce(flags, signal))) process.exitCode = 1;
    return;
  }
  while (!signal.aborted) {
    const started = systemClock.monotonicMs();
    await retrainRound(flags, signal);
    await rest(started + flags.every, signal);
  }
}

export function retrainCommand(): Command {
  return withTrainOptions(new Command("retrain"))
    .description("train again and again: when the data set has changed, through the same gate as train")
    .option("--every <duration>", "from one start to the next, such as 6h or 1d", duration)
    .option("--once", "one round, for who is started by a clock: ends with 1 when it failed or the gate refused", false)
    .action(retrain);
}
