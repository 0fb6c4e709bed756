/** Training SASRec on histories. */

import { invalid } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import type { Executor, Session } from "#libs/graph/executors/executor.ts";
import { createDropoutPool } from "#libs/models/neural/dropout.ts";
import { type Checkpoint, type Trainee, type TrainingRecord, train } from "#libs/models/neural/training.ts";
import { createDenseWeights, type Table } from "#libs/models/neural/weights.ts";
import { composedMost, createBatch } from "#libs/models/sasrec/batches.ts";
import { type EventHistory, encodeUsers, type RowTables } from "#libs/models/sasrec/encoder.ts";
import { open } from "#libs/models/sasrec/epoch-worker.ts";
import { contextTables, createContext, type EventSequences, initializeContext } from "#libs/models/sasrec/inputs.ts";
import { createComposedRows, createItemVectors, finalVectors, initializeVectors } from "#libs/models/sasrec/item-vectors.ts";
import { encoderGraph, trainingGraph } from "#libs/models/sasrec/network.ts";
import { stateOfNobody } from "#libs/models/sasrec/nobody.ts";
import type { PackedRows } from "#libs/models/sasrec/packing.ts";
import type { SasrecSettings } from "#libs/models/sasrec/settings.ts";
import { runStep, type StepState } from "#libs/models/sasrec/steps.ts";
import { type HeldOut, holdOutLast } from "#libs/models/sasrec/validation.ts";
import { createPool, sharedInt32, threadsFor } from "#libs/sparse/pool.ts";
import { rankByFactors } from "#libs/sparse/rank.ts";
import { createArena, openKernels } from "#libs/sparse/wasm.ts";

export interface SasrecFit {
  readonly sequences: EventSequences;
  readonly settings: SasrecSettings;
  /** 1 where events of the type are to be foretold, by code. */
  readonly targetTypes: Uint8Array;
  /** Whether validation ranks items that the user has already. */
  readonly seen: "keep" | "drop";
  readonly executor: Executor;
  readonly seed: number;
  readonly threads: number;
  readonly checkpointEvery: number;
  readonly onCheckpoint: (checkpoint: Checkpoint) => Promise<void>;
  readonly resume: Checkpoint | null;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface SasrecModel {
  /** Rows of events; `tables.items` are the item vectors that states are multiplied with. */
  readonly tables: RowTables;
  /** Parameters of the encoder by name. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly record: TrainingRecord;
}

/** Places of the list that validation counts: NDCG of the one held-out item (1 / log2(rank + 1)). */
const validationPlaces = 10;

/** Deterministic under `seed` with one thread. Throws `invalid_argument` for settings that do not go together, and what `train` throws. */
export async function fitSasrec(options: SasrecFit): Promise<SasrecModel> {
  const { settings, seed, signal } = options;
  checkSettings(settings);
  const held = holdOutLast(options.sequences, options.targetTypes, settings.validationUsers, seed);
  const epochs = openEpochs(held.training, settings, seed, options.threads, signal);
  const sessions: Session[] = [];
  try {
    const stepsPerEpoch = Math.max(1, Math.ceil((await epochs.rows(0)).rows / settings.batchRows));
    const state = await openState(options, held.training);
    sessions.push(state.session);
    const encoder = await options.executor.open(encoderGraph(settings), { threads: options.threads });
    sessions.push(encoder);
    const known = knownItems(held.training);
    const tablesNow = (): RowTables => rowTables(state, known);
    const trainee: Trainee = {
      ...stateArrays(state),
      step: async (step, rate) => {
        const epoch = Math.floor((step - 1) / stepsPerEpoch);
        const rows = await epochs.rows(epoch);
        const from = ((step - 1) % stepsPerEpoch) * settings.batchRows;
        // The number of rows differs by a few between epochs: a step past the last starts over.
        return runStep(state, rows, from < rows.rows ? from : 0, step, rate);
      },
      validate: () => validationFigure(encoder, state, tablesNow(), held, options),
      worstGradient: () => worstOf(state),
    };
    const record = await train(trainee, {
      schedule: { rate: settings.learningRate, steps: stepsPerEpoch * settings.epochs, warmUp: settings.warmUp, decay: settings.rateDecay },
      validations: settings.validations,
      patience: settings.patience,
      checkpointEvery: options.checkpointEvery,
      onCheckpoint: options.onCheckpoint,
      resume: options.resume,
      label: "sasrec",
      progress: options.progress,
      signal,
    });
    const weights = Object.fromEntries(Object.entries(state.dense.weights).map(([name, values]) => [name, values.slice()]));
    const tables = copyTables(tablesNow());
    return { tables: { ...tables, nobody: stateOfNobody(tables.items, takenCounts(options.sequences), tables.d) }, weights, record };
  } finally {
    for (const session of sessions) await session.close();
    await epochs.close();
  }
}

function checkSettings({ dimensions, heads, feedForward, loss, labelSmoothing }: SasrecSettings): void {
  if (dimensions % 4 !== 0) throw invalid("settings.dimensions", "must be a multiple of 4");
  if (dimensions % heads !== 0) throw invalid("settings.heads", `must divide the ${dimensions} dimensions`);
  if (feedForward % 4 !== 0) throw invalid("settings.feedForward", "must be a multiple of 4");
  if (loss === "sampled" && labelSmoothing > 0) throw invalid("settings.labelSmoothing", "goes with the full loss only");
}

interface Epochs {
  rows(epoch: number): Promise<PackedRows>;
  close(): Promise<void>;
}

/** Packs the next epoch while one is trained on. */
function openEpochs(
  { offsets, items }: EventSequences,
  settings: SasrecSettings,
  seed: number,
  threads: number,
  signal: AbortSignal,
): Epochs {
  const shared = sharedInt32(offsets.length);
  shared.set(offsets);
  const input = { offsets: shared, length: settings.length, seed };
  const module = new URL("./epoch-worker.ts", import.meta.url);
  const pool = createPool({ threads: Math.min(1, threadsFor(items.length, threads)), module, open, input, signal });
  const ready = new Map<number, Promise<PackedRows>>();
  const prepare = (epoch: number): void => {
    if (ready.has(epoch)) return;
    const rows = pool.run({ epoch });
    // A failure is the caller's to see when it comes to this epoch, not the process's before.
    rows.catch(() => undefined);
    ready.set(epoch, rows);
  };
  return {
    rows: (epoch) => {
      for (const old of ready.keys()) if (old < epoch) ready.delete(old);
      prepare(epoch);
      prepare(epoch + 1);
      return ready.get(epoch)!;
    },
    close: () => pool.close(),
  };
}

async function openState({ settings, executor, seed, threads, targetTypes }: SasrecFit, sequences: EventSequences): Promise<StepState> {
  const { itemCount } = sequences;
  const arena = createArena();
  const random = createRandom(seed, "sasrec weights");
  const most = composedMost(settings, itemCount);
  const graph = trainingGraph({
    ...settings,
    batch: settings.batchRows,
    tableRows: settings.loss === "full" ? itemCount : settings.negatives,
    dropout: settings.dropout > 0,
  });
  const dense = createDenseWeights(arena, graph, settings.weightDeviation, random);
  const items = createItemVectors(arena, itemCount, settings.dimensions, settings.attributes === "all" ? sequences.columns : []);
  initializeVectors(items, settings.initialDeviation, random);
  const context = createContext(arena, settings);
  initializeContext(context, settings.initialDeviation, random);
  return {
    settings,
    seed,
    kernels: openKernels(arena.memory),
    session: await executor.open(graph, { threads: Math.max(1, threads) }),
    dense,
    items,
    context,
    composed: createComposedRows(arena, most, items),
    batch: createBatch(arena, settings, sequences, targetTypes),
    dropout: createDropoutPool(graph, settings.dropout, seed),
    touched: arena.int32(most + 1),
  };
}

function tablesOf({ dense, items, context }: StepState): [string, Table][] {
  const values: [string, Table][] = items.values ? [["attributes", items.values]] : [];
  return [["items", items.own], ...values, ...contextTables(context), ["dense", dense.table]];
}

function stateArrays(state: StepState): Pick<Trainee, "weights" | "moments"> {
  const tables = tablesOf(state);
  return {
    weights: Object.fromEntries(tables.map(([name, { weights }]) => [name, weights.values])),
    moments: Object.fromEntries(
      tables.flatMap(([name, { first, second }]) => [
        [`${name}.first`, first.values],
        [`${name}.second`, second.values],
      ]),
    ),
  };
}

/** By Adam's second moments: gradients themselves are cleared with the step. */
function worstOf(state: StepState): string {
  const parts: [string, Float32Array][] = [
    ...tablesOf(state)
      .filter(([name]) => name !== "dense")
      .map(([name, { second }]): [string, Float32Array] => [`the table of ${name}`, second.values]),
    ...Object.entries(state.dense.gradients).map(([name, view]): [string, Float32Array] => {
      const at = (view.byteOffset - state.dense.table.gradient.values.byteOffset) / 4;
      return [name, state.dense.table.second.values.subarray(at, at + view.length)];
    }),
  ];
  const sizes = parts.map(([, values]) =>
    values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, value) : Number.POSITIVE_INFINITY), 0),
  );
  return parts[sizes.indexOf(Math.max(...sizes))]![0];
}

/** 1 for items of the training. */
function knownItems({ itemCount, items }: EventSequences): Uint8Array {
  const known = new Uint8Array(itemCount);
  for (const item of items) known[item] = 1;
  return known;
}

function takenCounts({ itemCount, items }: EventSequences): Float64Array {
  const counts = new Float64Array(itemCount);
  for (const item of items) counts[item]!++;
  return counts;
}

function rowTables({ items, context, settings }: StepState, known: Uint8Array): RowTables {
  return {
    d: settings.dimensions,
    length: settings.length,
    items: finalVectors(items, known),
    positions: context.positions.weights.values,
    types: context.types?.weights.values ?? null,
    gaps: context.gaps?.weights.values ?? null,
    nobody: new Float32Array(settings.dimensions),
  };
}

const copyTables = (tables: RowTables): RowTables => ({
  ...tables,
  positions: tables.positions.slice(),
  types: tables.types?.slice() ?? null,
  gaps: tables.gaps?.slice() ?? null,
});

function historyOf({ offsets, items, times, types }: EventSequences, user: number): EventHistory {
  const [from, to] = [offsets[user]!, offsets[user + 1]!];
  return { items: items.subarray(from, to), times: Array.prototype.slice.call(times, from, to), types: types.subarray(from, to) };
}

/** NDCG@10 of the held-out items; null without any. */
async function validationFigure(
  encoder: Session,
  { dense }: StepState,
  tables: RowTables,
  { training, users, items }: HeldOut,
  { seen, threads, signal }: SasrecFit,
): Promise<number | null> {
  if (users.length === 0) return null;
  const history = (at: number) => historyOf(training, users[at]!);
  const states = await encodeUsers(encoder, dense.weights, tables, users.length, history, signal);
  const own = Array.from(users, (_, at) => (seen === "drop" ? [...new Set(Array.from(history(at).items))].sort((a, b) => a - b) : []));
  const starts = new Int32Array(users.length + 1);
  own.forEach((list, at) => {
    starts[at + 1] = starts[at]! + list.length;
  });
  const ranked = await rankByFactors(
    {
      users: states,
      items: tables.items.subarray(0, training.itemCount * tables.d),
      d: tables.d,
      seen: { offsets: starts, indices: Int32Array.from(own.flat()) },
      k: validationPlaces,
    },
    threadsFor(users.length * training.itemCount, threads),
    signal,
  );
  let gain = 0;
  users.forEach((_, at) => {
    const place = ranked.items.subarray(at * ranked.k, at * ranked.k + ranked.counts[at]!).indexOf(items[at]!);
    if (place >= 0) gain += 1 / Math.log2(place + 2);
  });
  return gain / users.length;
}
