/**
 * LightGCN with the trained users' own rows, as papers have it, beside the same users folded in: `npx tsx scripts/lightgcn-rows.ts
 * '{"dimensions":128}' [validation] [folder]`. A service never has user rows, so no experiment can ask for them. On a data set without times
 * and with a given split; seen items are left out. `validation` holds a fifth of each user's training items out instead of the test part.
 */

import { availableParallelism } from "node:os";
import { systemClock } from "#libs/core/clock.ts";
import { assert } from "#libs/core/errors.ts";
import { noProgress } from "#libs/core/progress.ts";
import { type CaseOptions, type Cases, givenCases, sampledCases } from "#libs/data/cases.ts";
import { openDataset } from "#libs/data/dataset.ts";
import { sliceBefore } from "#libs/data/splits.ts";
import { packedLists, scoreLists } from "#libs/evaluation/lists.ts";
import { meanOf } from "#libs/evaluation/measures/measure.ts";
import { ndcg } from "#libs/evaluation/metrics/ndcg.ts";
import { recall } from "#libs/evaluation/metrics/recall.ts";
import { fitLightGcn, type LightGcnModel } from "#libs/models/lightgcn/fit.ts";
import { type RecentGraph, recentGraph } from "#libs/models/lightgcn/graph.ts";
import { lightGcnSpec } from "#libs/models/lightgcn/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { rankByFactors } from "#libs/sparse/rank.ts";

const [given = "{}", part = "test", folder = ".modiste/data/gowalla"] = process.argv.slice(2);
/** Time plays no part in such data, so neither weeks nor recency do. */
const timeless = { weeks: 0, recencyHalfLifeDays: 0, historyItems: 1000, minUserItems: 1 };
const k = 20;
const seed = 1;
const threads = availableParallelism();
const { signal } = new AbortController();

async function readCases(): Promise<Cases> {
  const dataset = await openDataset(folder);
  const interactions = await dataset.loadInteractions();
  dataset.close();
  const border = dataset.manifest.test_from;
  assert(border !== undefined, `${folder} has no given split`);
  const options: CaseOptions = { types: ["purchase"], users: null };
  return part === "validation"
    ? sampledCases(sliceBefore(interactions, border), 0.2, seed, options)
    : givenCases(interactions, border, options);
}

/** Every user of the graph as serving makes one: the sum of the items' vectors over the root of their degrees, [graph users, d]. */
function foldedUsers({ userCount, items, offsets, edges }: RecentGraph, { d, foldVectors }: LightGcnModel): Float32Array {
  const degrees = new Int32Array(items.length);
  for (const item of edges) degrees[item]!++;
  const folded = new Float32Array(userCount * d);
  for (let user = 0; user < userCount; user++) {
    for (const item of edges.subarray(offsets[user], offsets[user + 1])) {
      for (let c = 0; c < d; c++) folded[user * d + c]! += foldVectors[item * d + c]! / Math.sqrt(degrees[item]!);
    }
  }
  return folded;
}

const cases = await readCases();
const settings = readSettings(lightGcnSpec, { ...timeless, ...(JSON.parse(given) as Record<string, unknown>) });
const graph = await recentGraph(cases.train, cases.endSeconds, settings, seed, createPace(signal));
assert(graph.userCount === cases.train.userCount, "a user has no training item: rows would shift");
const started = systemClock.monotonicMs();
const before = process.cpuUsage();
const model = await fitLightGcn(graph, settings, seed, threads, noProgress, signal);
const { user, system } = process.cpuUsage(before);
const seconds = (systemClock.monotonicMs() - started) / 1000;
process.stdout.write(`fit ${seconds.toFixed(0)} s, ${((user + system) / 1e6).toFixed(0)} CPU s, best epoch ${model.bestEpoch}\n`);

for (const [name, users] of [
  ["user rows", model.userVectors],
  ["folded in", foldedUsers(graph, model)],
] as const) {
  const seen = { offsets: graph.offsets, indices: graph.edges };
  const ranked = await rankByFactors({ users, items: model.itemVectors, d: model.d, seen, k }, threads, signal);
  const listOf = (row: number): Int32Array => ranked.items.subarray(row * ranked.k, row * ranked.k + ranked.counts[row]!);
  const lists = Array.from(cases.users, (row) => listOf(row).map((number) => graph.items[number]!));
  const values = scoreLists(packedLists(lists, lists.length, k), cases, [recall, ndcg], [k]);
  const figures = [...values].map(([figure, column]) => `${figure} ${meanOf(column).toFixed(4)}`);
  process.stdout.write(`${name}: ${figures.join(", ")}, ${lists.length} users\n`);
}
