/** How far a long job is. Called often: implementations decide how seldom to show it. */
export type Progress = (update: ProgressUpdate) => void;

export interface ProgressUpdate {
  /** The step at work, such as "itemcf: counting pairs". */
  readonly step: string;
  readonly done: number;
  /** Total of the same unit; 0 when it is not known. */
  readonly total: number;
  /** What is counted, such as "rows" or "epochs". */
  readonly unit: string;
}

export const noProgress: Progress = () => {};
