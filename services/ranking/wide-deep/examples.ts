/** What Wide & Deep learns from: the candidates of label weeks as the network is fed. */

import { ModisteError } from "#libs/core/errors.ts";
import { createRandom, type Random } from "#libs/core/random.ts";
import { counterFeatures } from "#libs/features/item-features.ts";
import type { RankingLists } from "#libs/models/wide-deep/batches.ts";
import type { SequenceRows } from "#libs/models/wide-deep/inputs.ts";
import type { WideDeepSettings } from "#libs/models/wide-deep/settings.ts";
import type { LabelledQuery, LabelWeek, RankerFitContext, RankQuery, SequenceStates } from "#libs/serve/ranker.ts";
import { createFeatureMaker, featuresOf, type RowMaker, userOf } from "../feature-maker.ts";
import { buckets, categoriesOf, crossCount, embeddedColumns, type InputMaker, standardise, startsOf } from "./inputs.ts";

/** Features that a setting leaves out; their scale is 0. */
function leftOut(name: string, { counters, sourceScores }: WideDeepSettings, sources: readonly string[]): boolean {
  if (sourceScores === "none" && sources.some((source) => name.startsWith(`${source}.`))) return true;
  return counters === "none" && counterFeatures.has(name);
}

/** Rows of one label list, not yet standardised. */
interface Collected {
  readonly numeric: Float32Array[];
  readonly categories: Int32Array[];
  readonly crosses: Int32Array[];
  readonly items: Int32Array[];
  readonly labels: Uint8Array[];
  readonly states: Float32Array[];
}

/** All positions that were taken, and as many others as a list may hold. */
function keptPositions(labels: Uint8Array, most: number, random: Random): Int32Array {
  const others = [...labels.keys()].filter((position) => labels[position] === 0);
  const taken = [...labels.keys()].filter((position) => labels[position] === 1);
  for (let n = Math.min(most, others.length), left = others.length; n > 0; n--) {
    const at = random.below(left);
    taken.push(others[at]!);
    others[at] = others[--left]!;
  }
  return Int32Array.from(taken);
}

/** Share of a list's categories that training takes for unknown: it teaches the unknown row of a column that has none. */
const unknownShare = 0.005;
/** Histories that SASRec reads at once. */
const stateBatch = 256;

type WeekMaker = RowMaker & Pick<InputMaker, "itemsReleased" | "embedded" | "starts" | "buckets">;

async function collectWeek(
  collected: Collected,
  week: LabelWeek,
  context: RankerFitContext,
  settings: WideDeepSettings,
  sequence: SequenceStates | null,
): Promise<void> {
  const features = createFeatureMaker(week.catalog, week.statistics, context.sources);
  const embedded = embeddedColumns(features);
  const maker: WeekMaker = { ...features, embedded, starts: startsOf(embedded), buckets };
  const random = createRandom(context.seed, `negatives ${week.nowSeconds}`);
  let waiting: RankQuery["events"][] = [];
  const encode = async (): Promise<void> => {
    if (sequence && waiting.length > 0) collected.states.push((await sequence.states(waiting, context.signal)).slice());
    waiting = [];
  };
  let done = 0;
  for (const labelled of week.queries) {
    if (context.signal.aborted) throw new ModisteError("cancelled", "cancelled", "fitting the ranker was stopped");
    context.progress({ step: "ranking: examples", done: ++done, total: 0, unit: "users" });
    // A query without a taken candidate teaches no order.
    if (!labelled.labels.includes(1)) continue;
    collectQuery(collected, maker, labelled, settings.listLength, random);
    if (waiting.push(labelled.query.events) === stateBatch) await encode();
  }
  await encode();
}

function collectQuery(collected: Collected, maker: WeekMaker, { query, labels }: LabelledQuery, most: number, random: Random): void {
  const positions = keptPositions(labels, most, random);
  const { categories, crosses } = categoriesOf(maker, userOf(maker, query), query, positions);
  for (let at = 0; at < categories.length; at++) {
    const column = at % maker.embedded.length;
    if (random.next() < unknownShare) categories[at] = maker.starts[column]! + maker.embedded[column]!.size;
  }
  collected.numeric.push(featuresOf(maker, query, positions).values);
  collected.categories.push(categories);
  collected.crosses.push(crosses);
  collected.items.push(positions.map((position) => query.candidates[position]!));
  collected.labels.push(Uint8Array.from(positions, (position) => labels[position]!));
}

type Arrays = Float32Array | Int32Array | Uint8Array;

function joined<A extends Arrays>(parts: A[], empty: new (length: number) => A): A {
  const all = new empty(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  parts.length = 0;
  return all;
}

interface Scaling {
  readonly mean: Float32Array;
  readonly scale: Float32Array;
}

/** Mean and inverse deviation by column; 0 for a constant one, and where `out` says so. */
function scalingOf(numeric: Float32Array, width: number, out: (column: number) => boolean): Scaling {
  const rows = Math.max(1, numeric.length / width);
  const mean = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let at = 0; at < numeric.length; at++) mean[at % width]! += numeric[at]! / rows;
  for (let at = 0; at < numeric.length; at++) squares[at % width]! += (numeric[at]! - mean[at % width]!) ** 2 / rows;
  return {
    mean: Float32Array.from(mean),
    scale: Float32Array.from(squares, (square, column) => (square > 1e-12 && !out(column) ? 1 / Math.sqrt(square) : 0)),
  };
}

export interface TrainingLists {
  readonly lists: RankingLists;
  readonly scaling: Scaling;
}

/** Rows of all weeks, standardised by their own mean and deviation. */
export async function collect(
  context: RankerFitContext,
  settings: WideDeepSettings,
  sequence: SequenceStates | null,
): Promise<TrainingLists> {
  const collected: Collected = { numeric: [], categories: [], crosses: [], items: [], labels: [], states: [] };
  for (const week of context.weeks) await collectWeek(collected, week, context, settings, sequence);
  const offsets = new Int32Array(collected.labels.length + 1);
  collected.labels.forEach((labels, list) => {
    offsets[list + 1] = offsets[list]! + labels.length;
  });
  const { names } = createFeatureMaker(context.serving.catalog, context.serving.statistics, context.sources).table;
  const numeric = joined(collected.numeric, Float32Array);
  const scaling = scalingOf(numeric, names.length, (column) => leftOut(names[column]!, settings, context.sources));
  const items = joined(collected.items, Int32Array);
  let rows: SequenceRows | null = null;
  if (sequence) {
    const users = new Int32Array(items.length);
    for (let list = 0; list + 1 < offsets.length; list++) users.fill(list, offsets[list], offsets[list + 1]);
    rows = { d: sequence.tables.d, states: joined(collected.states, Float32Array), users, vectors: sequence.tables.items, items };
  }
  const lists: RankingLists = {
    numeric: standardise(numeric, scaling),
    categories: joined(collected.categories, Int32Array),
    crosses: settings.wide === "none" ? new Int32Array(items.length * crossCount).fill(-1) : joined(collected.crosses, Int32Array),
    crossCount,
    sequence: rows,
    offsets,
    labels: joined(collected.labels, Uint8Array),
  };
  return { lists, scaling };
}
