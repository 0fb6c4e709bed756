/** An experiment's result as figures: what the table, the report and other programs show. */

import { invalid } from "#libs/core/errors.ts";
import { bootstrapMean, type Interval, type PairedDifference, pairedDifference } from "#libs/evaluation/bootstrap.ts";
import { figureName } from "#libs/evaluation/lists.ts";
import { meanOf } from "#libs/evaluation/measures/measure.ts";
import { metrics } from "#libs/evaluation/metrics/index.ts";
import { valuesIn } from "#libs/evaluation/segments.ts";
import { formatSeconds, table } from "../terminal.ts";
import type { ExperimentDocument } from "./document.ts";
import type { ModelResult } from "./pool.ts";
import type { ExperimentResult } from "./run.ts";

export interface ModelSummary {
  readonly name: string;
  /** Mean of every figure. */
  readonly means: ReadonlyMap<string, number>;
  /** Of the headline figure. */
  readonly interval: Interval;
  /** Baseline less this model on the headline figure, case by case; null for the baseline itself. */
  readonly behind: PairedDifference | null;
  readonly measures: ReadonlyMap<string, number>;
  readonly fitSeconds: number;
  readonly listSeconds: number;
}

export interface SegmentSummary {
  readonly segmentation: string;
  readonly segment: string;
  readonly cases: number;
  /** Headline figure by model. */
  readonly means: ReadonlyMap<string, number>;
}

export interface Summary {
  /** Figure that models are compared by, such as "map@12". */
  readonly headline: string;
  readonly baseline: string;
  readonly cases: number;
  readonly users: number;
  readonly figures: readonly string[];
  readonly models: readonly ModelSummary[];
  readonly segments: readonly SegmentSummary[];
  readonly digests: readonly string[];
}

function baselineOf({ document, models }: ExperimentResult): ModelResult {
  return models.find(({ name }) => name === document.baseline) ?? models.at(-1)!;
}

/** All figures of a document: every metric at every k. */
export const figuresOf = ({ k }: ExperimentDocument): string[] =>
  k.flatMap((length) => metrics.map((metric) => figureName(metric, length)));

/** The figure that models are compared by. Throws `invalid_argument` naming an unknown one. */
export function headlineOf(document: ExperimentDocument): string {
  const figures = figuresOf(document);
  const headline = document.headline ?? figures[0]!;
  if (!figures.includes(headline)) throw invalid("headline", `"${headline}" is none of ${figures.join(", ")}`, "unknown_figure");
  return headline;
}

export function summarise(result: ExperimentResult): Summary {
  const { document, users, models, segmentations } = result;
  const headline = headlineOf(document);
  const baseline = baselineOf(result);
  const best = baseline.values.get(headline)!;
  const segments = segmentations.flatMap((segmentation) =>
    segmentation.segments.map((segment, s) => ({
      segmentation: segmentation.name,
      segment,
      cases: segmentation.of.filter((of) => of === s).length,
      means: new Map(models.map(({ name, values }) => [name, meanOf(valuesIn(segmentation, s, values.get(headline)!))])),
    })),
  );
  const itemAges = ["new", "older"].map((segment) => ({
    segmentation: "items taken",
    segment,
    cases: baseline.byItemAge.get(segment)!.filter((value) => !Number.isNaN(value)).length,
    means: new Map(models.map(({ name, byItemAge }) => [name, meanOf(byItemAge.get(segment)!)])),
  }));
  return {
    headline,
    baseline: baseline.name,
    cases: users.length,
    users: new Set(users).size,
    figures: [...baseline.values.keys()],
    models: models.map((model) => {
      const values = model.values.get(headline)!;
      return {
        name: model.name,
        means: new Map([...model.values].map(([figure, column]) => [figure, meanOf(column)])),
        interval: bootstrapMean(values, users, document.seed),
        behind: model === baseline ? null : pairedDifference(best, values, users, document.seed),
        measures: model.measures,
        fitSeconds: model.fitSeconds,
        listSeconds: model.listSeconds,
      };
    }),
    segments: [...segments, ...itemAges].filter(({ cases }) => cases > 0),
    digests: result.sets.map(({ digest }) => digest),
  };
}

export const formatFigure = (value: number): string => (Number.isNaN(value) ? "-" : value.toFixed(4));
export const formatRange = ({ low, high }: Interval): string => `${low.toFixed(4)} to ${high.toFixed(4)}`;

/** The comparison as text. */
export function summaryTable({ headline, baseline, figures, models }: Summary): string {
  const head = ["model", ...figures, `${headline} 95 % interval`, `${baseline} less it`, "p", "fit"];
  const body = models.map(({ name, means, interval, behind, fitSeconds }) => [
    name,
    ...figures.map((figure) => formatFigure(means.get(figure)!)),
    formatRange(interval),
    behind === null ? "" : formatRange(behind),
    behind === null ? "" : behind.p.toFixed(3),
    formatSeconds(fitSeconds),
  ]);
  return table([head, ...body]);
}
