/** What an experiment is run with. */

import type { Clock } from "#libs/core/clock.ts";
import type { Progress } from "#libs/core/progress.ts";
import type { FleetModels } from "../../fleet.ts";
import type { EvaluationData } from "./data.ts";
import type { ExperimentDocument } from "./document.ts";
import type { RunRecords } from "./records.ts";

export interface ExperimentOptions {
  readonly document: ExperimentDocument;
  readonly data: EvaluationData;
  readonly models: FleetModels;
  readonly records: RunRecords;
  /** Folder for what is fitted; removed at the end. */
  readonly scratch: string;
  readonly threads?: number;
  /** Checkpoints of trainings that take long, in the home folder; none without. */
  readonly checkpointFolder?: {
    readonly home: string;
    readonly every: number;
    readonly onResume: (file: string, step: number) => void;
  };
  readonly codeVersion: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Told of each set of cases that is done. */
  readonly onCases: (name: string, cases: number) => void;
}
