/** What fitted parts recorded while they learned: `curve` in their descriptions, one record an epoch, such as {epoch, loss, recall}. */

import { type Line, lineChart } from "../../report/charts.ts";
import type { Executed } from "../execute.ts";

interface Curve {
  readonly part: string;
  readonly points: readonly Readonly<Record<string, unknown>>[];
}

function curvesOf(parts: Readonly<Record<string, unknown>>, suffix: string): Curve[] {
  return Object.entries(parts).flatMap(([part, meta]) => {
    const points = (meta as { curve?: unknown } | null)?.curve;
    return Array.isArray(points) && points.length > 1 ? [{ part: part + suffix, points: points as Record<string, unknown>[] }] : [];
  });
}

function lineOf({ part, points }: Curve, figure: string): Line {
  const known = points.filter((point) => typeof point[figure] === "number");
  return { name: part, points: known.map((point, i) => ({ x: Number(point.epoch ?? i + 1), y: point[figure] as number })) };
}

/** One plot for each figure of the curves; a part counts once for each recipe. */
export function learningCurves({ result: { models } }: Executed): string {
  const curves = new Map<string, Curve>();
  for (const { parts, recipe } of models) {
    for (const curve of curvesOf(parts, recipe === "default" || recipe === "" ? "" : ` (${recipe})`)) curves.set(curve.part, curve);
  }
  const figures = new Set([...curves.values()].flatMap(({ points }) => points.flatMap((point) => Object.keys(point))));
  figures.delete("epoch");
  return [...figures]
    .map((figure) =>
      lineChart({
        title: `${figure} by epoch`,
        xLabel: "epoch",
        yLabel: figure,
        lines: [...curves.values()].map((curve) => lineOf(curve, figure)).filter(({ points }) => points.length > 1),
      }),
    )
    .filter((chart) => chart !== "")
    .join("\n");
}
