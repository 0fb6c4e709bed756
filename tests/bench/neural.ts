/**
 * SASRec on public sequences: the last event of each user is foretold from all before it, all items ranked. Settings were chosen on the event
 * before that, which training holds out.
 */

import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { systemClock } from "#libs/core/clock.ts";
import type { Progress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import { type Cases, casesDigest, historyOf, leaveLastOut } from "#libs/data/cases.ts";
import { importSequences } from "#libs/data/importers/sequences.ts";
import { bootstrapMean } from "#libs/evaluation/bootstrap.ts";
import { scoreLists } from "#libs/evaluation/lists.ts";
import { hitRate } from "#libs/evaluation/metrics/hit-rate.ts";
import { ndcg } from "#libs/evaluation/metrics/ndcg.ts";
import { loadEvaluationData } from "../../services/cli/experiment/data.ts";
import { defaultRecipe, type Recipe } from "../../services/cli/experiment/document.ts";
import { caseStates, sequenceLists } from "../../services/cli/experiment/sequence-model.ts";
import { homeFolders } from "../../services/cli/home.ts";
import { defaultLabels, type LabelRecipe } from "../../services/cli/training/label-weeks.ts";
import { type FittedSequenceModel, fitSequenceModel } from "../../services/cli/training/sequence.ts";
import { type Figures, higher, lower } from "./bench.ts";
import { ensureData } from "./quality.ts";

export interface NeuralRun {
  /** First words of the figures' names. */
  readonly name: string;
  readonly data: string;
  readonly raw: string;
  readonly file: string;
  readonly layout: "items" | "user-items";
  readonly settings: Recipe["sasrec"];
  /** HR@10 and NDCG@10, seen items excluded, and the seconds that the issue allows for them. */
  readonly targets: { readonly hr?: number; readonly ndcg?: number; readonly seconds?: number };
  /** Also against 100 drawn negatives, as the first papers have it. */
  readonly sampled?: { readonly hr: number; readonly ndcg: number };
}

const movies = { data: "ml-1m", raw: "ml-1m", file: "sequences.txt.gz", layout: "items" } as const;

export const neuralRuns: readonly NeuralRun[] = [
  {
    ...movies,
    name: "ml-1m.sasrec",
    settings: { dropout: 0.1, epochs: 9 },
    targets: { hr: 0.3, ndcg: 0.175, seconds: 360 },
    sampled: { hr: 0.8245, ndcg: 0.5905 },
  },
  {
    ...movies,
    name: "ml-1m.sasrec-128",
    settings: { dimensions: 128, feedForward: 256, dropout: 0.2, learningRate: 0.004, epochs: 21, validationUsers: 500 },
    targets: { hr: 0.318, ndcg: 0.184, seconds: 1200 },
    sampled: { hr: 0.8245, ndcg: 0.5905 },
  },
  {
    name: "beauty.sasrec",
    data: "beauty",
    raw: "amazon-beauty",
    file: "Beauty.txt.gz",
    layout: "user-items",
    settings: { length: 50, dropout: 0.5, batchRows: 64, epochs: 30, learningRate: 0.002 },
    targets: { hr: 0.088, ndcg: 0.053 },
  },
];

const k = 10;
const seed = 1;
const labels: LabelRecipe = { ...defaultLabels, kind: "leave_last_out", items: "all", seen: "drop", history: 1_000_000 };

/** HR@10 and NDCG@10 of the taken item among itself and 100 items that the user never took (Kang and McAuley, section IV-C). */
async function againstDrawn(fitted: FittedSequenceModel, cases: Cases, threads: number, signal: AbortSignal): Promise<[number, number]> {
  const { items, d } = fitted.model.tables;
  const states = await caseStates(fitted, cases, labels, { threads, signal });
  const scoreOf = (c: number, item: number): number => {
    let score = 0;
    for (let i = 0; i < d; i++) score += states[c * d + i]! * items[item * d + i]!;
    return score;
  };
  let [hits, gain] = [0, 0];
  cases.users.forEach((user, c) => {
    const random = createRandom(seed, `negatives of ${user}`);
    const { start, end } = historyOf(cases, c);
    const target = cases.items[cases.offsets[c]!]!;
    const own = new Set([...cases.histories.items.subarray(start, end), target]);
    const score = scoreOf(c, target);
    let above = 0;
    for (let n = 0; n < 100; ) {
      const item = random.below(cases.train.itemCount);
      if (own.has(item)) continue;
      n++;
      if (scoreOf(c, item) > score) above++;
    }
    if (above >= k) return;
    hits++;
    gain += 1 / Math.log2(above + 2);
  });
  return [hits / cases.users.length, gain / cases.users.length];
}

export interface NeuralOptions {
  readonly home: string | undefined;
  readonly rawFolder: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Imports the data where they are missing, trains, and answers the figures. */
export async function runNeural(run: NeuralRun, { home, rawFolder, progress, signal }: NeuralOptions): Promise<Figures> {
  const threads = availableParallelism();
  const folder = join(homeFolders(home).data, run.data);
  await ensureData(folder, run.data, (options) =>
    importSequences(resolve(rawFolder, run.raw, run.file), { ...options, layout: run.layout }),
  );
  const data = await loadEvaluationData(folder, progress, signal);
  const cases = leaveLastOut(data.interactions, 0, { types: labels.targets, users: null });
  const recipe: Recipe = { ...defaultRecipe, sasrec: run.settings };
  const started = systemClock.monotonicMs();
  const before = process.cpuUsage();
  const fitted = await fitSequenceModel({ recipe, labels, data, seed, threads, progress, signal }, cases);
  const { user, system } = process.cpuUsage(before);
  const figures: Figures = {};
  const { name, targets, sampled } = run;
  figures[`${name}.fit`] = lower((systemClock.monotonicMs() - started) / 1000, "s", targets.seconds);
  figures[`${name}.fit-cpu`] = lower((user + system) / 1e6, "CPU s");
  figures[`${name}.peak-memory`] = lower(process.resourceUsage().maxRSS / 1024, "MiB");
  figures[`${name}.epochs`] = lower(fitted.settings.epochs, "epochs");
  figures[`${name}.best-step`] = lower(fitted.model.record.bestStep, `of ${fitted.model.record.steps} steps`);
  for (const { step, loss, figure } of fitted.model.record.curve) {
    figures[`${name}.step-${step}.loss`] = lower(loss, "");
    if (figure !== null) figures[`${name}.step-${step}.validation-ndcg@10`] = higher(figure, "");
  }
  for (const [seen, suffix] of [
    ["drop", ""],
    ["keep", ".seen-kept"],
  ] as const) {
    const lists = await sequenceLists(fitted, cases, data.catalog, { ...labels, seen }, k, { threads, signal });
    const values = scoreLists(lists, cases, [hitRate, ndcg], [k]);
    for (const [figure, column] of values) {
      const { mean, low, high } = bootstrapMean(column, cases.users, seed);
      const target = suffix === "" ? { "hr@10": targets.hr, "ndcg@10": targets.ndcg }[figure] : undefined;
      figures[`${name}.${figure}${suffix}`] = higher(mean, "", target);
      if (suffix === "") {
        figures[`${name}.${figure}.low`] = higher(low, "");
        figures[`${name}.${figure}.high`] = higher(high, "");
      }
    }
  }
  if (sampled) {
    const [hr, gain] = await againstDrawn(fitted, cases, threads, signal);
    figures[`${name}.hr@10.against-100-drawn`] = higher(hr, "", sampled.hr);
    figures[`${name}.ndcg@10.against-100-drawn`] = higher(gain, "", sampled.ndcg);
  }
  process.stderr.write(`${name}: ${cases.users.length} users, sequences ${casesDigest(cases)}\n`);
  return figures;
}
