/** Runs a document on each of its data sets with progress on the terminal, and leaves result files in the experiment's folder. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "#libs/core/clock.ts";
import { loadModels } from "../../fleet.ts";
import { dataSetFolder, type HomeFolders } from "../home.ts";
import { stopSignal } from "../stop-signal.ts";
import { print, progressLine, remark } from "../terminal.ts";
import { checkpointSteps } from "../training/checkpoints.ts";
import { codeDigest } from "./code-digest.ts";
import { loadEvaluationData } from "./data.ts";
import type { ExperimentDocument } from "./document.ts";
import { openRunRecords } from "./records.ts";
import { type ExperimentResult, runExperiment } from "./run.ts";
import { type Summary, summarise, summaryTable } from "./summary.ts";

export interface Executed {
  readonly result: ExperimentResult;
  readonly summary: Summary;
}

export interface ExecuteOptions {
  readonly folders: HomeFolders;
  readonly threads: number;
  /** Runs everything again, whatever is recorded. */
  readonly fresh?: boolean;
  /** Steps between two checkpoints of a training; 0: none. */
  readonly checkpointEvery?: number;
}

/** Where runs are recorded, shared by all experiments of a home. */
export const runsFolder = (folders: HomeFolders): string => join(folders.home, "runs");
export const experimentFolder = (folders: HomeFolders, name: string): string => join(folders.home, "experiments", name);

export async function executeExperiment(document: ExperimentDocument, options: ExecuteOptions): Promise<Executed[]> {
  const { folders, threads, fresh = false, checkpointEvery = checkpointSteps } = options;
  const signal = stopSignal();
  const line = progressLine();
  const executed: Executed[] = [];
  const onResume = (file: string, step: number): void => {
    line.end();
    remark(`going on after step ${step} of ${file}`);
  };
  try {
    for (const name of document.data) {
      const data = await loadEvaluationData(dataSetFolder(folders, name), line.progress, signal);
      const result = await runExperiment({
        document,
        data,
        models: await loadModels(),
        records: openRunRecords(runsFolder(folders), fresh),
        scratch: join(folders.home, `experiment-${process.pid}`),
        threads,
        ...(fresh ? {} : { checkpointFolder: { home: folders.home, every: checkpointEvery, onResume } }),
        codeVersion: codeDigest(),
        progress: line.progress,
        signal,
        clock: systemClock,
        onCases: (set, cases) => {
          line.end();
          remark(`${name}, ${set}: ${cases} cases`);
        },
      });
      line.end();
      executed.push({ result, summary: summarise(result) });
    }
    return executed;
  } finally {
    line.end();
  }
}

export function printSummary({ result: { data, document, sets }, summary }: Executed): void {
  const digest = sets.length === 1 ? summary.digests[0]! : `${summary.digests.length} sets, ${summary.digests[0]!} first`;
  print(
    `${data.name} (fingerprint ${data.fingerprint}, sequences ${digest}), ${document.split.kind}, ${document.part}: ` +
      `${summary.cases} cases of ${summary.users} users, seed ${document.seed}; items ${document.items}, seen items ${document.seen === "keep" ? "may return" : "excluded"}`,
  );
  print(summaryTable(summary));
  print("Intervals are over users (1,000 bootstrap samples); differences are paired, p is two-sided.");
}

/** `summary.json` for other programs. */
export async function writeSummary(folder: string, executed: readonly Executed[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const plain = executed.map(({ result, summary }) => ({ data: result.data.name, fingerprint: result.data.fingerprint, ...summary }));
  const text = JSON.stringify(plain, (_, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value), 2);
  await writeFile(join(folder, "summary.json"), `${text}\n`);
}
