/** What the gateway learns: how many candidates each source is asked for, how ranks fuse without a ranker, and a list for when nothing answers. */

import type { Progress } from "#libs/core/progress.ts";
import type { ItemStatistics } from "#libs/features/item-statistics.ts";
import { fitLogistic, logisticDefaults } from "#libs/models/logistic/logistic.ts";
import { reciprocalRank } from "#libs/pipeline/fusion.ts";
import type { PartReader, PartWriter } from "#libs/release/part.ts";
import type { LabelledQuery } from "#libs/serve/ranker.ts";

export interface GatewayPart {
  /** Candidates to ask of each source by name. */
  readonly quotas: Readonly<Record<string, number>>;
  /** Weight of each source in rank fusion by name. */
  readonly fusion: Readonly<Record<string, number>>;
  /** Most bought items of the last week of the data, best first, dense indexes. */
  readonly popular: Int32Array;
}

export interface GatewayFitContext {
  /** Label-week queries that were retrieved with `exploreQuota` candidates a source. */
  readonly queries: readonly LabelledQuery[];
  readonly sources: readonly string[];
  readonly statistics: ItemStatistics;
  readonly seed: number;
  readonly part: PartWriter;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Candidates asked of every source while quotas are learned. */
export const exploreQuota = 200;
/** Candidates given out in one step of the quota search. */
const quotaStep = 20;
/** Candidates over all sources together. */
const quotaTotal = 400;
/**
 * Every source keeps this much, since label weeks know nothing of outages, filters and similar items. Not below what the gateway asks
 * for a list of the default length (twice its items), else serving would see candidates that training did not.
 */
const quotaLeast = 40;
const staticItems = 500;

/** Takes items found at a depth of each source: [sources][depth / quotaStep], each item counted for every source that found it. */
function findsByDepth(queries: readonly LabelledQuery[], sources: readonly string[]): Float64Array[] {
  const finds = sources.map(() => new Float64Array(exploreQuota / quotaStep));
  for (const { query, labels } of queries) {
    for (const column of query.sources) {
      const row = finds[sources.indexOf(column.source)]!;
      for (let i = 0; i < labels.length; i++) {
        const rank = column.ranks[i]!;
        if (labels[i] === 1 && rank > 0 && rank <= exploreQuota) row[Math.floor((rank - 1) / quotaStep)]!++;
      }
    }
  }
  return finds;
}

/** Gives out `quotaTotal` candidates, step by step, to the source whose next step found most in the label weeks. */
export function learnQuotas(queries: readonly LabelledQuery[], sources: readonly string[]): Record<string, number> {
  const finds = findsByDepth(queries, sources);
  const quotas = sources.map(() => quotaLeast);
  for (let given = quotaLeast * sources.length; given < quotaTotal; given += quotaStep) {
    const next = quotas.map((quota, s) => (quota >= exploreQuota ? -1 : finds[s]![quota / quotaStep]!));
    const best = next.indexOf(Math.max(...next));
    if (next[best]! < 0) break;
    quotas[best]! += quotaStep;
  }
  return Object.fromEntries(sources.map((source, s) => [source, quotas[s]!]));
}

/** Smallest weight of a source, as a share of the greatest: its mention never speaks against an item, and it may be the only one that answers. */
const weightLeast = 0.05;

/** Logistic regression of "taken" on the reciprocal ranks; the greatest weight is 1. */
async function learnFusion(context: GatewayFitContext): Promise<Record<string, number>> {
  const { sources, queries } = context;
  const taught = queries.filter(({ labels }) => labels.includes(1));
  if (taught.length === 0) return Object.fromEntries(sources.map((source) => [source, 1]));
  const width = sources.length;
  const rows = taught.reduce((sum, { labels }) => sum + labels.length, 0);
  const features = new Float32Array(rows * width);
  const labels = new Uint8Array(rows);
  let row = 0;
  for (const labelled of taught) {
    for (let i = 0; i < labelled.labels.length; i++, row++) {
      labels[row] = labelled.labels[i]!;
      for (const column of labelled.query.sources)
        features[row * width + sources.indexOf(column.source)] = reciprocalRank(column.ranks[i]!);
    }
  }
  const settings = { ...logisticDefaults, epochs: 3, seed: context.seed };
  const model = await fitLogistic(
    { features, width, labels, weights: new Float32Array(rows).fill(1) },
    settings,
    () => undefined,
    context.signal,
  );
  const greatest = Math.max(...model.coefficients);
  if (greatest <= 0) return Object.fromEntries(sources.map((source) => [source, 1]));
  return Object.fromEntries(sources.map((source, s) => [source, Math.max(weightLeast, model.coefficients[s]! / greatest)]));
}

function mostBought({ count7, count28 }: ItemStatistics): Int32Array {
  const order = Int32Array.from(count7.keys()).sort((a, b) => count7[b]! - count7[a]! || count28[b]! - count28[a]! || a - b);
  return order.slice(0, staticItems).filter((item) => count28[item]! > 0);
}

/** Learns and writes the part; answers the quotas, which the ranker's examples are retrieved with. */
export async function fitGateway(context: GatewayFitContext): Promise<Record<string, number>> {
  const quotas = learnQuotas(context.queries, context.sources);
  const fusion = await learnFusion(context);
  context.part.tensors({ popular: mostBought(context.statistics) });
  context.part.meta({ quotas, fusion });
  context.progress({ step: "gateway: quotas and fusion", done: context.queries.length, total: context.queries.length, unit: "users" });
  return quotas;
}

export async function loadGateway(part: PartReader): Promise<GatewayPart> {
  const { quotas, fusion } = part.meta() as { quotas: Record<string, number>; fusion: Record<string, number> };
  return { quotas, fusion, popular: part.int32("popular") };
}
