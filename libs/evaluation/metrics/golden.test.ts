/** Our metrics against another implementation's on the same lists. */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { metrics } from "./index.ts";

interface Golden {
  readonly made_by: string;
  readonly cases: readonly { readonly list: number[]; readonly taken: number[] }[];
  readonly means: Readonly<Record<string, number>>;
}

const golden = JSON.parse(readFileSync(new URL("../../../tests/golden/ranx-metrics.json", import.meta.url), "utf8")) as Golden;

it.each(Object.entries(golden.means))("%s equals ranx", (figure, expected) => {
  const [name, k] = figure.split("@") as [string, string];
  const { of } = metrics.find((metric) => metric.name === name)!;
  const values = golden.cases.map(({ list, taken }) => of(list, new Set(taken), Number(k))!);
  expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(expected, 12);
});
