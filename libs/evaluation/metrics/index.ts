/** Every metric of the house; a new one is its file, its test and a line here. */

import { averagePrecision } from "./average-precision.ts";
import { averagePrecisionAll } from "./average-precision-all.ts";
import { hitRate } from "./hit-rate.ts";
import type { Metric } from "./metric.ts";
import { ndcg } from "./ndcg.ts";
import { precision } from "./precision.ts";
import { recall } from "./recall.ts";
import { recallMin } from "./recall-min.ts";
import { reciprocalRank } from "./reciprocal-rank.ts";

export const metrics: readonly Metric[] = [
  averagePrecision,
  averagePrecisionAll,
  precision,
  recall,
  recallMin,
  ndcg,
  hitRate,
  reciprocalRank,
];
