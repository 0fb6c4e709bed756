/** Training Wide & Deep on the candidates of past requests. */

import type { Progress } from "#libs/core/progress.ts";
import { createRandom, shuffle } from "#libs/core/random.ts";
import type { Executor, Session } from "#libs/graph/executors/executor.ts";
import { createDropoutPool, type DropoutPool } from "#libs/models/neural/dropout.ts";
import { type Trainee, type TrainingRecord, train } from "#libs/models/neural/training.ts";
import {
  correctedRate,
  createDenseWeights,
  createTable,
  type DenseWeights,
  fillNormal,
  stepRows,
  stepTable,
  type Table,
} from "#libs/models/neural/weights.ts";
import { type Batch, createBatch, fillBatch, type RankingLists } from "#libs/models/wide-deep/batches.ts";
import { createFtrl, type Ftrl, stepFtrl } from "#libs/models/wide-deep/ftrl.ts";
import { type DeepSizes, deepWidth, fillDeep, sumCrosses } from "#libs/models/wide-deep/inputs.ts";
import { rankingGraph, scoringGraph, type TowerColumns } from "#libs/models/wide-deep/network.ts";
import type { WideDeepSettings } from "#libs/models/wide-deep/settings.ts";
import { type Arena, type Block, createArena, openKernels, type SparseKernels } from "#libs/sparse/wasm.ts";

export interface WideDeepFit {
  readonly lists: RankingLists;
  readonly sizes: DeepSizes;
  readonly settings: WideDeepSettings;
  /** Columns of the two towers; null for one network over all. */
  readonly towers: TowerColumns | null;
  readonly executor: Executor;
  readonly seed: number;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface WideDeepModel {
  /** Parameters of the scoring graph by name. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  /** [embedding rows, embedding]. */
  readonly embeddings: Float32Array;
  /** [buckets]. */
  readonly wide: Float32Array;
  readonly record: TrainingRecord;
}

/** Places of a list that validation counts. */
const validationPlaces = 12;
const embeddingDeviation = 0.05;
/** A little less than what He et al. (ICCV 2015) have for 200 inputs, since a straight path stands beside the layers. */
const weightDeviation = 0.08;

interface State {
  readonly options: WideDeepFit;
  readonly kernels: SparseKernels;
  readonly session: Session;
  readonly scoring: Session;
  readonly dense: DenseWeights;
  readonly embeddings: Table;
  readonly wide: Ftrl;
  readonly touched: Block<Int32Array>;
  readonly dropout: DropoutPool | null;
  readonly batch: Batch;
}

/** Gradients of the inputs to embeddings and crosses. */
function spread({ batch, options, embeddings, wide, touched }: State, deep: Float32Array, crosses: Float32Array): number {
  const { lists, sizes, settings } = options;
  const { numeric, columns, embedding } = sizes;
  const width = deepWidth(sizes);
  const distinct = new Set<number>();
  const buckets = new Map<number, number>();
  for (let at = 0; at < batch.rows.length; at++) {
    const row = batch.rows[at]!;
    if (row < 0) continue;
    for (let c = 0; c < columns; c++) {
      const entry = lists.categories[row * columns + c]!;
      distinct.add(entry);
      const from = at * width + numeric + c * embedding;
      for (let e = 0; e < embedding; e++) embeddings.gradient.values[entry * embedding + e]! += deep[from + e]!;
    }
    if (settings.wide === "none") continue;
    for (let c = 0; c < lists.crossCount; c++) {
      const bucket = lists.crosses[row * lists.crossCount + c]!;
      if (bucket >= 0) buckets.set(bucket, (buckets.get(bucket) ?? 0) + crosses[at]!);
    }
  }
  // The loss is a mean over the batch's lists; FTRL's rate is meant for sums.
  for (const [bucket, gradient] of buckets) stepFtrl(wide, bucket, gradient * batch.lists);
  let count = 0;
  for (const entry of distinct) touched.values[count++] = entry;
  return count;
}

async function runStep(state: State, order: Int32Array, step: number, rate: number): Promise<number> {
  const { options, batch, dense, kernels, dropout } = state;
  const { batchLists, weightDecay } = options.settings;
  const random = createRandom(options.seed, `wide & deep step ${step}`);
  const perEpoch = Math.ceil(order.length / batchLists);
  const from = ((step - 1) % perEpoch) * batchLists;
  const { lists, sizes, settings } = options;
  const tables = { lists, sizes, settings, embeddings: state.embeddings.weights.values, wide: state.wide.weights };
  fillBatch(batch, tables, [...order.subarray(from, from + batchLists)], random);
  const { deep, wide, targets, masked, weights } = batch;
  const outputs = await state.session.run({ ...dense.weights, deep, wide, targets, masked, weights, ...dropout?.draw(random) });
  for (const [name, values] of Object.entries(dense.gradients)) values.set(outputs[`gradient/${name}`]!);
  const touched = spread(state, outputs["gradient/deep"]!, outputs["gradient/wide"]!);
  const corrected = correctedRate(rate, step);
  stepRows(kernels, state.embeddings, state.touched, touched, corrected);
  stepTable(kernels, dense.table, corrected);
  // Loshchilov and Hutter, ICLR 2019, doi 10.48550/arXiv.1711.05101.
  if (weightDecay > 0) for (let i = 0; i < dense.table.weights.values.length; i++) dense.table.weights.values[i]! *= 1 - rate * weightDecay;
  return outputs.loss![0]!;
}

/** Scores of the rows of one list. */
async function scoreList({ scoring, dense, embeddings, wide, options }: State, list: number): Promise<Float32Array> {
  const { lists, sizes } = options;
  const rows = Int32Array.from({ length: lists.offsets[list + 1]! - lists.offsets[list]! }, (_, i) => lists.offsets[list]! + i);
  const deep = new Float32Array(rows.length * deepWidth(sizes));
  fillDeep(deep, lists, rows, sizes, embeddings.weights.values);
  const sums = Float32Array.from(rows, (row) => sumCrosses(lists, row, wide.weights));
  const { scores } = await scoring.run({ ...dense.weights, deep, wide: sums }, { rows: rows.length });
  return scores!;
}

/** Mean NDCG@12 of the held-out lists. */
async function validationFigure(state: State, held: Int32Array): Promise<number | null> {
  if (held.length === 0) return null;
  const { labels, offsets } = state.options.lists;
  let sum = 0;
  for (const list of held) {
    const scores = await scoreList(state, list);
    const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
    let taken = 0;
    for (let row = offsets[list]!; row < offsets[list + 1]!; row++) taken += labels[row]!;
    let [gain, ideal] = [0, 0];
    for (let place = 0; place < validationPlaces; place++) {
      const discount = 1 / Math.log2(place + 2);
      if (place < taken) ideal += discount;
      if (place < order.length && labels[offsets[list]! + order[place]!] === 1) gain += discount;
    }
    sum += gain / ideal;
  }
  return sum / held.length;
}

function shuffled(count: number, seed: number, label: string): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  shuffle(order, createRandom(seed, label));
  return order;
}

async function openState(options: WideDeepFit, arena: Arena): Promise<State> {
  const { settings, sizes, executor, seed, threads } = options;
  const inputs = deepWidth(sizes);
  const { hidden1, hidden2, members } = settings;
  const shape = { inputs, hidden1, hidden2, members, towers: options.towers };
  const graph = rankingGraph({
    ...shape,
    lists: settings.batchLists,
    listLength: settings.listLength,
    loss: settings.loss,
    dropout: settings.dropout > 0,
  });
  const random = createRandom(seed, "wide & deep weights");
  const dense = createDenseWeights(arena, graph, weightDeviation, random);
  // The straight path starts silent: its features are standardised, and it would drown the layers.
  for (const [name, values] of Object.entries(dense.weights)) if (name.endsWith("straight.weights")) values.fill(0);
  const embeddings = createTable(arena, Math.max(1, sizes.embeddingRows), settings.embedding);
  fillNormal(embeddings.weights.values, embeddingDeviation, random);
  return {
    options,
    kernels: openKernels(arena.memory),
    session: await executor.open(graph, { threads: Math.max(1, threads) }),
    scoring: await executor.open(scoringGraph(shape), { threads: 1 }),
    dense,
    embeddings,
    wide: createFtrl(sizes.buckets, { alpha: settings.wideRate, l1: settings.wideL1, l2: settings.wideL2 }),
    touched: arena.int32(Math.max(1, sizes.embeddingRows)),
    dropout: createDropoutPool(graph, settings.dropout, seed),
    batch: createBatch(inputs, settings),
  };
}

/** Deterministic under `seed` with one thread. Throws what `train` throws. */
export async function fitWideDeep(options: WideDeepFit): Promise<WideDeepModel> {
  const { settings, lists, seed, progress, signal } = options;
  const count = lists.offsets.length - 1;
  const mixed = shuffled(count, seed, "wide & deep validation");
  const heldCount = Math.floor(count * settings.validationShare);
  const [held, order] = [mixed.subarray(0, heldCount), mixed.subarray(heldCount)];
  const state = await openState(options, createArena());
  try {
    const perEpoch = Math.max(1, Math.ceil(order.length / settings.batchLists));
    let epochOrder = { epoch: -1, order };
    const orderOf = (epoch: number): Int32Array => {
      if (epochOrder.epoch !== epoch) {
        const turn = shuffled(order.length, seed, `wide & deep epoch ${epoch}`);
        epochOrder = { epoch, order: turn.map((at) => order[at]!) };
      }
      return epochOrder.order;
    };
    const { dense, embeddings, wide } = state;
    const trainee: Trainee = {
      weights: { dense: dense.table.weights.values, embeddings: embeddings.weights.values, wide: wide.weights },
      moments: {
        "dense.first": dense.table.first.values,
        "dense.second": dense.table.second.values,
        "embeddings.first": embeddings.first.values,
        "embeddings.second": embeddings.second.values,
        "wide.sums": wide.sums,
        "wide.squares": wide.squares,
      },
      step: (step, rate) => runStep(state, orderOf(Math.floor((step - 1) / perEpoch)), step, rate),
      validate: () => validationFigure(state, held),
      worstGradient: () => worstOf(state),
    };
    const record = await train(trainee, {
      schedule: { rate: settings.learningRate, steps: perEpoch * settings.epochs, warmUp: settings.warmUp, decay: settings.rateDecay },
      validations: settings.validations,
      patience: settings.patience,
      checkpointEvery: 0,
      onCheckpoint: async () => undefined,
      resume: null,
      label: "ranking: wide & deep",
      progress,
      signal,
    });
    return {
      weights: Object.fromEntries(Object.entries(dense.weights).map(([name, values]) => [name, values.slice()])),
      embeddings: embeddings.weights.values.slice(),
      wide: wide.weights.slice(),
      record,
    };
  } finally {
    await state.session.close();
    await state.scoring.close();
  }
}

/** By Adam's second moments: gradients themselves are cleared with the step. */
function worstOf({ dense, embeddings, wide }: State): string {
  const largest = (values: Float32Array): number =>
    values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, value) : Number.POSITIVE_INFINITY), 0);
  const parts: [string, number][] = [
    ["the layers", largest(dense.table.second.values)],
    ["the embeddings of attributes", largest(embeddings.second.values)],
    ["the crosses", largest(wide.squares)],
  ];
  return parts.reduce((worst, part) => (part[1] > worst[1] ? part : worst))[0];
}
