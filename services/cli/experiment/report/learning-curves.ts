/** What fitted parts recorded while they learned: arrays of numbers in their descriptions, such as losses by epoch. */

import type { Executed } from "../execute.ts";
import { type Line, lineChart } from "./charts.ts";

const curveNames = ["losses", "validation"] as const;

function linesOf(parts: Readonly<Record<string, unknown>>, prefix: string, curve: string): Line[] {
  return Object.entries(parts).flatMap(([part, meta]) => {
    const values = (meta as Record<string, unknown> | null)?.[curve];
    if (!Array.isArray(values) || values.length < 2) return [];
    return [{ name: `${part}${prefix}`, points: values.map((y, i) => ({ x: i + 1, y: Number(y) })) }];
  });
}

/** One plot for each kind of curve; a part counts once for each recipe. */
export function learningCurves({ result: { models } }: Executed): string {
  return curveNames
    .map((curve) => {
      const lines = new Map<string, Line>();
      for (const { parts, recipe } of models) {
        const prefix = recipe === "default" || recipe === "" ? "" : ` (${recipe})`;
        for (const line of linesOf(parts, prefix, curve)) lines.set(line.name, line);
      }
      return lines.size === 0 ? "" : lineChart({ title: `${curve} by epoch`, xLabel: "epoch", yLabel: curve, lines: [...lines.values()] });
    })
    .join("\n");
}
