/** Logistic regression over the shared feature table. */

import type { AttributeColumn, Catalog } from "#libs/catalog/catalog.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { createRandom } from "#libs/core/random.ts";
import { createFeatureTable, type FeatureTable } from "#libs/features/features.ts";
import type { ItemStatistics } from "#libs/features/item-statistics.ts";
import { segmentNames } from "#libs/features/segment.ts";
import { affinityColumns, createUserState } from "#libs/features/user-state.ts";
import { fitLogistic, type LabelledRows, type LogisticModel, logisticDefaults, scoreLogistic } from "#libs/models/logistic/logistic.ts";
import type { PartReader, PartWriter } from "#libs/release/part.ts";
import type { LabelledQuery, LabelWeek, Ranker, RankerFitContext, RankQuery } from "#libs/serve/ranker.ts";

export interface LogisticRanker {
  readonly catalog: Catalog;
  readonly columns: readonly AttributeColumn[];
  readonly table: FeatureTable;
  readonly model: LogisticModel;
}

/** Candidates that were not taken, kept for each that was; the rest are left out and the kept ones weigh for them. */
const negativesPerQuery = 40;

type FeatureMaker = Pick<LogisticRanker, "catalog" | "columns" | "table">;

function queryFeatures(maker: FeatureMaker, query: RankQuery, positions?: Int32Array): Float32Array {
  const user = createUserState(maker.catalog, maker.columns, query.events, query.attributes.get("age"), query.nowSeconds);
  return maker.table.compute(user, query.candidates, query.sources, query.nowSeconds, positions);
}

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
  rows.features.push(queryFeatures(maker, query, Int32Array.from(positions)));
  for (const position of positions) rows.labels.push(labels[position]!);
  rows.weights.push(...weights);
}

function makerOf(catalog: Catalog, statistics: ItemStatistics, sources: readonly string[]): FeatureMaker {
  return { catalog, columns: affinityColumns(catalog), table: createFeatureTable(catalog, statistics, sources) };
}

function addWeek(rows: RowBuffers, week: LabelWeek, context: RankerFitContext): void {
  const maker = makerOf(week.catalog, week.statistics, context.sources);
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

function writeStatistics(part: PartWriter, statistics: ItemStatistics): void {
  const { nowSeconds: _, ...arrays } = statistics;
  part.tensors(arrays);
}

function readStatistics(part: PartReader, nowSeconds: number, items: number): ItemStatistics {
  return {
    nowSeconds,
    count1: part.float32("count1", items),
    count7: part.float32("count7", items),
    countBefore7: part.float32("countBefore7", items),
    count28: part.float32("count28", items),
    segment28: part.float32("segment28", segmentNames.length * items),
    firstSale: part.uint32("firstSale", items),
    lastSale: part.uint32("lastSale", items),
    lastPrice: part.float32("lastPrice", items),
  };
}

async function fit(context: RankerFitContext): Promise<void> {
  const { serving, sources, part } = context;
  const rows: RowBuffers = { features: [], labels: [], weights: [] };
  for (const week of context.weeks) addWeek(rows, week, context);
  const { table } = makerOf(serving.catalog, serving.statistics, sources);
  const joined = joinRows(rows, table.names.length);
  const model = await fitLogistic(joined, { ...logisticDefaults, seed: context.seed }, context.progress, context.signal);
  writeStatistics(part, serving.statistics);
  part.tensors({ coefficients: model.coefficients, intercept: Float64Array.of(model.intercept) });
  part.meta({
    model: ranker.model,
    rows: joined.labels.length,
    sources,
    now_seconds: serving.statistics.nowSeconds,
    feature_hash: table.hash,
    features: Object.fromEntries(table.names.map((name, i) => [name, model.coefficients[i]])),
  });
}

async function load({ part, catalog }: { part: PartReader; catalog: Catalog }): Promise<LogisticRanker> {
  const meta = part.meta() as { sources: string[]; now_seconds: number; feature_hash: string };
  const maker = makerOf(catalog, readStatistics(part, meta.now_seconds, catalog.itemCount), meta.sources);
  if (maker.table.hash !== meta.feature_hash) {
    throw new ModisteError(
      "failed_precondition",
      "feature_hash",
      `release ${part.release}, part ${part.part}: trained on other features than this code computes`,
    );
  }
  const model = { coefficients: part.float64("coefficients", maker.table.names.length), intercept: part.float64("intercept", 1)[0]! };
  return { ...maker, model };
}

export const ranker: Ranker<LogisticRanker> = {
  model: "logistic",
  fit,
  load,
  score: (artifact, query) => scoreLogistic(artifact.model, queryFeatures(artifact, query)),
  featureHash: (artifact) => artifact.table.hash,
};
