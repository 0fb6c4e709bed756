import { describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import { fitGraphFilter } from "#libs/models/graph-filter/fit.ts";
import { createGraphFilter, retrieveByFilter } from "#libs/models/graph-filter/retrieve.ts";
import { bspmSpec, type GraphFilterSettings, gfcfSpec } from "#libs/models/graph-filter/settings.ts";
import type { RecentGraph } from "#libs/models/lightgcn/graph.ts";
import { readSettings } from "#libs/models/settings.ts";
import { symmetricEigen } from "#libs/sparse/svd.ts";

const signal = new AbortController().signal;
const [users, items] = [40, 16];

function smallGraph(): RecentGraph {
  const random = createRandom(4, "graph");
  const offsets = [0];
  const edges: number[] = [];
  for (let user = 0; user < users; user++) {
    for (let item = 0; item < items; item++) if (random.next() < (item % 4 === user % 4 ? 0.6 : 0.15)) edges.push(item);
    if (edges.length === offsets.at(-1)) edges.push(user % items);
    offsets.push(edges.length);
  }
  return {
    userCount: users,
    items: Int32Array.from({ length: items }, (_, i) => i),
    offsets: Int32Array.from(offsets),
    edges: Int32Array.from(edges),
  };
}

type Square = number[][];
const square = (value: (i: number, j: number) => number): Square =>
  Array.from({ length: items }, (_, i) => Array.from({ length: items }, (_, j) => value(i, j)));
const times = (a: Square, b: Square): Square => square((i, j) => a[i]!.reduce((sum, value, k) => sum + value * b[k]![j]!, 0));

/** The formula at the head of fit.ts in double precision: the matrix that a history's rows are summed from. */
function denseFilter(graph: RecentGraph, settings: GraphFilterSettings): Square {
  const degrees = new Array<number>(items).fill(0);
  for (const item of graph.edges) degrees[item]!++;
  const gram = square(() => 0);
  for (let user = 0; user < users; user++) {
    const own = graph.edges.subarray(graph.offsets[user], graph.offsets[user + 1]);
    for (const i of own) {
      for (const j of own) gram[i]![j]! += own.length ** -settings.userExponent * (degrees[i]! * degrees[j]!) ** -settings.itemExponent;
    }
  }
  const { values, vectors } = symmetricEigen(Float64Array.from(gram.flat()), items);
  const p = square((i, j) => gram[i]![j]! / values[0]!);
  const low = square((i, j) => {
    let sum = 0;
    for (let c = 0; c < settings.rank; c++) sum += vectors[i * items + c]! * vectors[j * items + c]!;
    return settings.lowPass * sum * degrees[j]! ** settings.outExponent;
  });
  const start = square(
    (i, j) => degrees[i]! ** -settings.historyExponent * p[i]![j]! + degrees[i]! ** -settings.lowPassHistoryExponent * low[i]![j]!,
  );
  let [result, flow] = [start, start];
  // Terms of exp(-T P), of which Euler's step has two and Runge and Kutta's five.
  for (let power = 1; power <= (settings.sharpeningSolver === "euler" ? 1 : 4); power++) {
    const next = times(flow, p);
    flow = square((i, j) => (-settings.sharpening / power) * next[i]![j]!);
    const [before, term] = [result, flow];
    result = square((i, j) => before[i]![j]! + term[i]![j]!);
  }
  return result;
}

/** Two exponents of the history: the factors of both filters stand side by side. */
const published = {
  userExponent: 1,
  itemExponent: 0.5,
  historyExponent: 0,
  lowPassHistoryExponent: 0.5,
  lowPass: 0.2,
  lowPassUnit: "raw",
  sharpening: 2.5,
  sharpeningSolver: "rk4",
} as const;

const model = async (settings: GraphFilterSettings, threads = 0) => fitGraphFilter(smallGraph(), settings, 1, threads, noProgress, signal);

describe("graph filter", () => {
  // All sixteen eigenvectors: then the step on them is exact, and the fit must equal the dense formula. GF-CF with eight.
  it.each([
    ["GF-CF", readSettings(gfcfSpec, { rank: 8, iterations: 30 })],
    [
      "BSPM",
      readSettings(bspmSpec, { rank: 16, iterations: 10, lowPassUnit: "raw", userExponent: 0.6, historyExponent: 0.2, sharpening: 0.7 }),
    ],
    ["BSPM as published", readSettings(bspmSpec, { ...published, rank: 16, iterations: 10 })],
    ["BSPM, sharpened on more eigenvectors", readSettings(bspmSpec, { ...published, rank: 8, sharpeningRank: 16, iterations: 30 })],
    ["one exponent, sharpened on more", readSettings(bspmSpec, { lowPassUnit: "raw", rank: 8, sharpeningRank: 16, iterations: 30 })],
  ])("%s equals the dense computation", async (_, settings) => {
    const dense = denseFilter(smallGraph(), settings);
    const { k, neighbours, values, left, right, width } = await model(settings);
    const linear = square(() => 0);
    for (let i = 0; i < items; i++) {
      for (let n = 0; n < k; n++) if (neighbours[i * k + n]! >= 0) linear[i]![neighbours[i * k + n]!] = values[i * k + n]!;
    }
    for (let i = 0; i < items; i++) {
      for (let j = 0; j < items; j++) {
        if (i === j) continue;
        let score = linear[i]![j]!;
        for (let c = 0; c < width; c++) score += left[i * width + c]! * right[j * width + c]!;
        expect(score).toBeCloseTo(dense[i]![j]!, 3);
      }
    }
  });

  it.each([{}, published])(
    "serves the same scores as a sum over the history, best first, whatever the limit on rescoring: %j",
    async (own) => {
      const settings = readSettings(bspmSpec, { ...own, rank: 8, recencyHalfLifeDays: 0 });
      const fitted = await model(settings);
      const query = {
        limit: 20,
        nowSeconds: 100,
        items: Int32Array.of(1, 5),
        times: Float64Array.of(1, 2),
        types: Uint8Array.of(3, 3),
        seeds: new Int32Array(0),
        allowed: null,
      };
      const answer = retrieveByFilter(createGraphFilter(settings, smallGraph().items, items, fitted), query);
      expect(answer.items.length).toBeGreaterThan(8);
      answer.items.forEach((item, at) => {
        let score = 0;
        for (const own of query.items) {
          const place = fitted.neighbours.subarray(own * fitted.k, (own + 1) * fitted.k).indexOf(item);
          if (place >= 0) score += fitted.values[own * fitted.k + place]!;
          const { width, left, right } = fitted;
          for (let c = 0; c < width; c++) score += left[own * width + c]! * right[item * width + c]!;
        }
        expect(answer.scores[at]!).toBeCloseTo(score, 4);
      });
      const few = createGraphFilter({ ...settings, rescored: 3 }, smallGraph().items, items, fitted);
      const linear = Array.from({ length: items }, (_, item) =>
        [...query.items].reduce((sum, own) => {
          const place = fitted.neighbours.subarray(own * fitted.k, (own + 1) * fitted.k).indexOf(item);
          return sum + (place < 0 ? 0 : fitted.values[own * fitted.k + place]!);
        }, 0),
      );
      const others = [...linear.keys()].filter((item) => !query.items.includes(item)).sort((a, b) => linear[b]! - linear[a]!);
      const rescored = [...retrieveByFilter(few, query).items];
      expect(rescored.length).toBeLessThanOrEqual(5);
      expect(rescored).toEqual(expect.arrayContaining(others.slice(0, 3)));
      expect(retrieveByFilter(few, query)).toEqual(retrieveByFilter(few, query));
    },
  );

  it("gives the same numbers on two worker threads, and keeps the largest neighbours only", async () => {
    const settings = readSettings(bspmSpec, { rank: 8, neighbours: 4 });
    const one = await model(settings);
    const all = await model({ ...settings, neighbours: 100 });
    expect(await model(settings, 2)).toEqual(one);
    expect([one.k, all.k]).toEqual([4, items - 1]);
    for (let item = 0; item < items; item++) {
      expect([...one.neighbours.subarray(item * 4, item * 4 + 4)]).toEqual([...all.neighbours.subarray(item * all.k, item * all.k + 4)]);
    }
  });
});
