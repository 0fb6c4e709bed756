/** Logistic regression over the shared feature table. */

import { invalid, ModisteError } from "#libs/core/errors.ts";
import { createRandom } from "#libs/core/random.ts";
import { featureVersion } from "#libs/features/features.ts";
import { groupFeatures } from "#libs/features/groups.ts";
import { fitLogistic, type LabelledRows, type LogisticModel, logisticDefaults, scoreLogistic } from "#libs/models/logistic/logistic.ts";
import type { LabelledQuery, LabelWeek, Ranker, RankerFitContext, RankerLoadContext } from "#libs/serve/ranker.ts";
import {
  checkFeatures,
  createFeatureMaker,
  extendMaker,
  type FeatureMaker,
  featuresOf,
  followLive,
  readStatistics,
  type TrainedOn,
  writeStatistics,
} from "./feature-maker.ts";

const modelName = "logistic";

export interface LogisticRanker extends FeatureMaker {
  readonly model: LogisticModel;
}

/** Candidates that were not taken, kept for each that was; the rest are left out and the kept ones weigh for them. */
const negativesPerQuery = 40;

/** Positions of all taken candidates and a seeded sample of the others, with the weight of each. */
function sampleRows(labels: Uint8Array, random: () => number): { positions: number[]; weights: number[] } {
  const others = labels.length - labels.reduce((sum, label) => sum + label, 0);
  const rate = Math.min(1, negativesPerQuery / Math.max(1, others));
  const positions: number[] = [];
  const weights: number[] = [];
  labels.forEach((label, position) => {
    if (label === 0 && random() >= rate) return;
    positions.push(position);
    weights.push(label === 1 ? 1 : 1 / rate);
  });
  return { positions, weights };
}

interface RowBuffers {
  readonly features: Float32Array[];
  readonly labels: number[];
  readonly weights: number[];
}

function addQuery(rows: RowBuffers, maker: FeatureMaker, { query, labels }: LabelledQuery, random: () => number): void {
  const { positions, weights } = sampleRows(labels, random);
  rows.features.push(featuresOf(maker, query, Int32Array.from(positions)).values);
  for (const position of positions) rows.labels.push(labels[position]!);
  rows.weights.push(...weights);
}

function addWeek(rows: RowBuffers, week: LabelWeek, context: RankerFitContext): void {
  const maker = createFeatureMaker(week.catalog, week.statistics, context.sources);
  const { next } = createRandom(context.seed, `negatives ${week.nowSeconds}`);
  let done = 0;
  for (const labelled of week.queries) {
    if (context.signal.aborted) throw new ModisteError("cancelled", "cancelled", "fitting the ranker was stopped");
    // A query without a taken candidate teaches no order.
    if (labelled.labels.includes(1)) addQuery(rows, maker, labelled, next);
    context.progress({ step: "ranking: examples", done: ++done, total: 0, unit: "users" });
  }
}

function joinRows({ features, labels, weights }: RowBuffers, width: number): LabelledRows {
  const joined = new Float32Array(labels.length * width);
  let at = 0;
  for (const rows of features) {
    joined.set(rows, at);
    at += rows.length;
  }
  return { features: joined, width, labels: Uint8Array.from(labels), weights: Float32Array.from(weights) };
}

async function fit(context: RankerFitContext): Promise<void> {
  const { serving, sources, part } = context;
  const rows: RowBuffers = { features: [], labels: [], weights: [] };
  for (const week of context.weeks) addWeek(rows, week, context);
  const { table } = createFeatureMaker(serving.catalog, serving.statistics, sources);
  const joined = joinRows(rows, table.names.length);
  const model = await fitLogistic(joined, { ...logisticDefaults, seed: context.seed }, context.progress, context.signal);
  writeStatistics(part, serving.statistics);
  part.tensors({ coefficients: model.coefficients, intercept: Float64Array.of(model.intercept) });
  part.meta({
    model: modelName,
    rows: joined.labels.length,
    sources,
    now_seconds: serving.statistics.nowSeconds,
    feature_version: featureVersion,
    feature_hash: table.hash,
    features: Object.fromEntries(table.names.map((name, i) => [name, model.coefficients[i]])),
  });
}

async function load({ part, catalog }: RankerLoadContext): Promise<LogisticRanker> {
  const meta = part.meta() as unknown as TrainedOn & { now_seconds: number };
  checkFeatures(part, catalog, meta);
  const maker = createFeatureMaker(catalog, readStatistics(part, meta.now_seconds, catalog.itemCount), meta.sources);
  const model = { coefficients: part.float64("coefficients", maker.table.names.length), intercept: part.float64("intercept", 1)[0]! };
  return { ...maker, model };
}

export const linearRanker: Ranker<LogisticRanker> = {
  model: () => modelName,
  check: (settings, place) => {
    const names = Object.keys(settings).join(", ");
    if (names !== "") throw invalid(place, `ranking: the linear ranker has no settings, but ${names} is given; another one needs its kind`);
  },
  fit,
  load,
  follow: followLive,
  extend: extendMaker,
  score: async (artifact, query) =>
    scoreLogistic(artifact.model, featuresOf(artifact, query, Int32Array.from(query.candidates.keys())).values),
  features: featuresOf,
  contributions: async ({ model, ...maker }, query, positions) => {
    const { names, values } = featuresOf(maker, query, positions);
    const groups = groupFeatures(names);
    const sums = new Float64Array(positions.length * groups.names.length);
    values.forEach((value, at) => {
      const [row, column] = [Math.floor(at / names.length), at % names.length];
      sums[row * groups.names.length + groups.of[column]!]! += value * model.coefficients[column]!;
    });
    return { groups: groups.names, values: sums };
  },
  close: async () => undefined,
  featureHash: (artifact) => artifact.table.hash,
};
