/** The loop around any network: schedule, validation, the best step kept, checkpoints, progress; what a step is, is the model's. */

import { ModisteError } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import { rateAt, type Schedule } from "#libs/models/neural/schedule.ts";
import { throwIfAborted } from "#libs/sparse/pace.ts";

export interface Trainee {
  /** One step with its own batch, which depends on nothing but the seed and `step` (from 1); answers the loss. */
  step(step: number, rate: number): Promise<number>;
  /** Figure of the held-out events, higher is better; null without any. */
  validate(): Promise<number | null>;
  /** What the model is, live: copied when a step is the best so far. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  /** What training needs besides to go on, live. */
  readonly moments: Readonly<Record<string, Float32Array>>;
  /** The part of the model whose gradient is the least finite or the largest, for the message of a training that went wrong. */
  worstGradient(): string;
}

export interface CurvePoint {
  readonly step: number;
  /** Mean loss of the steps since the point before. */
  readonly loss: number;
  /** Null without validation. */
  readonly figure: number | null;
}

/** All that a training needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly step: number;
  readonly curve: readonly CurvePoint[];
  readonly lossSum: number;
  readonly firstLoss: number;
  readonly bestStep: number;
  /** `weight/...`, `moment/...` and `best/...`. */
  readonly arrays: Readonly<Record<string, Float32Array>>;
}

export interface TrainingOptions {
  readonly schedule: Schedule;
  readonly validations: number;
  /** Validations without a better one that end the training. */
  readonly patience: number;
  /** Steps between two checkpoints, and one more when the training is stopped; 0: none. */
  readonly checkpointEvery: number;
  readonly onCheckpoint: (checkpoint: Checkpoint) => Promise<void>;
  /** Null: from the start. */
  readonly resume: Checkpoint | null;
  readonly label: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface TrainingRecord {
  readonly steps: number;
  readonly bestStep: number;
  readonly curve: readonly CurvePoint[];
}

/** A loss this many times that of the first step will not come back. */
const explodedFactor = 10;

interface Run {
  step: number;
  lossSum: number;
  firstLoss: number;
  bestStep: number;
  best: Readonly<Record<string, Float32Array>>;
  readonly curve: CurvePoint[];
}

/**
 * Trains; the trainee is left with the weights of its best validation, or the last ones without any. Throws `cancelled`, and `out_of_range` naming step
 * and tensor when the loss is not finite or explodes; `failed_precondition` when a checkpoint is of another model.
 */
export async function train(trainee: Trainee, options: TrainingOptions): Promise<TrainingRecord> {
  const { schedule, progress, signal } = options;
  const run = options.resume ? resumed(trainee, options.resume) : freshRun(trainee);
  const every = Math.max(1, Math.ceil(schedule.steps / options.validations));
  /** Whoever stops a training wants to go on later: not a step is lost. */
  const keepWhenStopped = async (): Promise<void> => {
    if (signal.aborted && options.checkpointEvery > 0 && run.step > 0) await options.onCheckpoint(checkpointOf(trainee, run));
  };
  const validateIfDue = async (): Promise<void> => {
    const due = run.step > 0 && (run.step % every === 0 || run.step === schedule.steps) && run.curve.at(-1)?.step !== run.step;
    if (!due) return;
    try {
      await validateRun(trainee, run);
    } catch (cause) {
      await keepWhenStopped();
      throw cause;
    }
  };
  // It may have been stopped in the middle of one.
  await validateIfDue();
  while (run.step < schedule.steps && !isExhausted(run, options.patience)) {
    await keepWhenStopped();
    throwIfAborted(signal);
    const step = run.step + 1;
    const loss = await trainee.step(step, rateAt(schedule, step));
    checkLoss(loss, run, step, trainee);
    run.step = step;
    run.lossSum += loss;
    progress({ step: options.label, done: step, total: schedule.steps, unit: "steps" });
    await validateIfDue();
    if (options.checkpointEvery > 0 && step % options.checkpointEvery === 0) await options.onCheckpoint(checkpointOf(trainee, run));
  }
  if (run.bestStep > 0) restore(trainee.weights, run.best);
  return { steps: run.step, bestStep: run.bestStep || run.step, curve: run.curve };
}

const freshRun = (trainee: Trainee): Run => ({
  step: 0,
  lossSum: 0,
  firstLoss: Number.NaN,
  bestStep: 0,
  best: copyOf(trainee.weights),
  curve: [],
});

const copyOf = (arrays: Readonly<Record<string, Float32Array>>): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, Float32Array.from(values)]));

function restore(target: Readonly<Record<string, Float32Array>>, from: Readonly<Record<string, Float32Array>>): void {
  for (const [name, values] of Object.entries(target)) values.set(from[name]!);
}

function checkLoss(loss: number, run: Run, step: number, trainee: Trainee): void {
  if (Number.isNaN(run.firstLoss)) run.firstLoss = loss;
  if (Number.isFinite(loss) && loss <= explodedFactor * run.firstLoss) return;
  const what = Number.isFinite(loss) ? `exploded from ${run.firstLoss.toFixed(3)} to ${loss.toFixed(3)}` : `is ${loss}`;
  throw new ModisteError(
    "out_of_range",
    "training_diverged",
    `step ${step}: the loss ${what}; the gradient of ${trainee.worstGradient()} is the worst. Try a lower learningRate`,
  );
}

async function validateRun(trainee: Trainee, run: Run): Promise<void> {
  const figure = await trainee.validate();
  const since = run.curve.at(-1)?.step ?? 0;
  const best = run.curve.reduce((most, point) => Math.max(most, point.figure ?? Number.NEGATIVE_INFINITY), Number.NEGATIVE_INFINITY);
  if (figure !== null && figure > best) {
    run.bestStep = run.step;
    run.best = copyOf(trainee.weights);
  }
  run.curve.push({ step: run.step, loss: run.lossSum / (run.step - since), figure });
  run.lossSum = 0;
}

function isExhausted({ curve, bestStep }: Run, patience: number): boolean {
  return bestStep > 0 && curve.filter(({ step }) => step > bestStep).length >= patience;
}

const prefixed = (prefix: string, arrays: Readonly<Record<string, Float32Array>>): [string, Float32Array][] =>
  Object.entries(arrays).map(([name, values]) => [`${prefix}/${name}`, values]);

function checkpointOf(trainee: Trainee, run: Run): Checkpoint {
  const { step, curve, lossSum, firstLoss, bestStep } = run;
  const arrays = [...prefixed("weight", trainee.weights), ...prefixed("moment", trainee.moments), ...prefixed("best", run.best)];
  return { step, curve: [...curve], lossSum, firstLoss, bestStep, arrays: copyOf(Object.fromEntries(arrays)) };
}

function resumed(trainee: Trainee, { arrays, curve, ...state }: Checkpoint): Run {
  const expected = [...prefixed("weight", trainee.weights), ...prefixed("moment", trainee.moments), ...prefixed("best", trainee.weights)];
  for (const [name, values] of expected) {
    if (arrays[name]?.length === values.length) continue;
    const found = arrays[name] === undefined ? "is missing" : `has ${arrays[name].length} values, not ${values.length}`;
    throw new ModisteError("failed_precondition", "checkpoint_mismatch", `checkpoint: ${name} ${found}: it is of another model`);
  }
  const part = (prefix: string, names: Readonly<Record<string, Float32Array>>): Record<string, Float32Array> =>
    Object.fromEntries(Object.keys(names).map((name) => [name, arrays[`${prefix}/${name}`]!]));
  restore(trainee.weights, part("weight", trainee.weights));
  restore(trainee.moments, part("moment", trainee.moments));
  return { ...state, best: copyOf(part("best", trainee.weights)), curve: [...curve] };
}
