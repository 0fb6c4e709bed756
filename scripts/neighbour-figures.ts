/**
 * The neighbour family on its public splits: `npx tsx scripts/neighbour-figures.ts gowalla|diginetica ['{"neighbours":500}'] [validate] [folder]`.
 * With `validate` a part of the TRAINING data is held out instead of the test part (settings are chosen there): a fifth of each Gowalla user's items by
 * seed; the last twentieth of Diginetica's sessions by order, every prefix of them. Diginetica's folder is imported once from the raw files.
 */

import { existsSync } from "node:fs";
import { systemClock } from "#libs/core/clock.ts";
import { noProgress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import { openDataset } from "#libs/data/dataset.ts";
import { importSequences } from "#libs/data/importers/sequences.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { historyBefore, sliceBefore } from "#libs/data/splits.ts";
import { ndcg } from "#libs/evaluation/metrics/ndcg.ts";
import { recall } from "#libs/evaluation/metrics/recall.ts";
import { createBallot } from "#libs/models/itemcf/ballot.ts";
import { fitNeighbours } from "#libs/models/itemcf/fit.ts";
import { type ItemCfSettings, itemCfSpec } from "#libs/models/itemcf/settings.ts";
import { groupItems, type ItemCfArtifact, vote } from "#libs/models/itemcf/vote.ts";
import { createSessionModel, predictNext } from "#libs/models/session/predict.ts";
import { indexSessions } from "#libs/models/session/session-index.ts";
import { sessionSpec } from "#libs/models/session/settings.ts";
import { readSettings } from "#libs/models/settings.ts";

/** Chosen on a fifth of the training items; a plain sum over the whole history, as the file has no times. */
const gowallaSettings = {
  weighting: "walk",
  walkAlpha: 0.85,
  ownExponent: 0.5,
  otherExponent: 0.4,
  shrinkage: 4.64,
  amplification: 0.75,
  neighbours: 1000,
  maxHistory: 2000,
  timeDecay: "none",
  ageHalfLifeDays: 0,
  earlierFactor: 1,
  historyItems: 1000,
  recencyHalfLifeDays: 0,
  rankDecay: 1,
  repurchaseSimilarity: 0,
  sameProductSimilarity: 0,
};
/** Beside the defaults, which were chosen on the last twentieth of the training sessions; a day is 1,000 sessions here. */
const digineticaSettings = { sessionOwnFactor: 3.8, sessionLastFactor: 0.6 };
const sessionsPerDay = 1000;
const k = 20;

interface Split {
  readonly train: Interactions;
  /** Items to be found, by user. */
  readonly truth: readonly (readonly number[])[];
}

function holdOutFifth(from: Interactions): Split {
  const offsets = new Int32Array(from.userCount + 1);
  const kept: number[] = [];
  const truth = Array.from({ length: from.userCount }, (_, user) => {
    const random = createRandom(1, `gowalla ${user}`);
    const held: number[] = [];
    for (let e = from.offsets[user]!; e < from.offsets[user + 1]!; e++) {
      if (random.next() < 0.2) held.push(from.items[e]!);
      else kept.push(e);
    }
    offsets[user + 1] = kept.length;
    return held;
  });
  const items = Int32Array.from(kept, (e) => from.items[e]!);
  const times = Uint32Array.from(kept, (e) => from.times[e]!);
  const types = Uint8Array.from(kept, (e) => from.types[e]!);
  return { train: { ...from, offsets, items, times, types, values: new Float32Array(kept.length) }, truth };
}

function givenSplit(all: Interactions, border: number): Split {
  const truth = Array.from({ length: all.userCount }, (_, user) => [
    ...all.items.subarray(historyBefore(all, user, border).end, all.offsets[user + 1]!),
  ]);
  return { train: sliceBefore(all, border), truth };
}

function stopwatch(): () => string {
  const started = systemClock.monotonicMs();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return `${((systemClock.monotonicMs() - started) / 1000).toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} CPU s`;
  };
}

/** An artifact of neighbours alone: no groups, no sales, no sessions. */
function artifactOf(settings: ItemCfSettings, neighbours: ItemCfArtifact["neighbours"], itemCount: number): ItemCfArtifact {
  const sales = new Float32Array(itemCount);
  const groups = groupItems(new Int32Array(itemCount).fill(-1), 0, sales);
  return { settings, neighbours, groups, sales, sessions: null, ballot: createBallot(itemCount) };
}

async function gowalla(overrides: object, validate: boolean, folder: string): Promise<string> {
  const dataset = await openDataset(folder);
  const all = await dataset.loadInteractions();
  dataset.close();
  const border = dataset.manifest.test_from!;
  const { train, truth } = validate ? holdOutFifth(sliceBefore(all, border)) : givenSplit(all, border);
  const settings = readSettings(itemCfSpec, { ...gowallaSettings, ...overrides });
  const fitting = stopwatch();
  const neighbours = await fitNeighbours(train, border, settings, 2, noProgress, new AbortController().signal);
  const took = fitting();
  const artifact = artifactOf(settings, neighbours, all.itemCount);
  const mask = new Uint8Array(all.itemCount).fill(1);
  const sums = { users: 0, recall: 0, ndcg: 0 };
  truth.forEach((items, user) => {
    if (items.length === 0) return;
    const { start, end } = historyBefore(train, user, border);
    const own = train.items.subarray(start, end);
    for (const item of own) mask[item] = 0;
    const { items: list } = vote(artifact, {
      limit: k,
      nowSeconds: border,
      items: own,
      times: Float64Array.from(train.times.subarray(start, end)),
      types: train.types.subarray(start, end),
      seeds: new Int32Array(0),
      allowed: { mask, items: new Int32Array(0) },
    });
    for (const item of own) mask[item] = 1;
    sums.users++;
    sums.recall += recall.of(list, new Set(items), k)!;
    sums.ndcg += ndcg.of(list, new Set(items), k)!;
  });
  const scores = `recall@20 ${(sums.recall / sums.users).toFixed(4)}, NDCG@20 ${(sums.ndcg / sums.users).toFixed(4)}`;
  return `${scores}, ${sums.users} users, fit ${took}, ${((neighbours.items.length * 8) / 1e6).toFixed(0)} MB of neighbours`;
}

async function digineticaInteractions(folder: string): Promise<{ readonly all: Interactions; readonly sessions: number }> {
  const raw = "../shared/data/diginetica";
  if (!existsSync(folder)) {
    const test = `${raw}/test.txt.gz`;
    await importSequences(`${raw}/train_sessions.txt.gz`, { layout: "items", test, type: "view", out: folder });
  }
  const dataset = await openDataset(folder);
  const all = await dataset.loadInteractions();
  dataset.close();
  const { offsets } = sliceBefore(all, dataset.manifest.test_from!);
  return { all, sessions: offsets.findIndex((from, user) => user > 0 && from === offsets[user - 1]!) - 1 };
}

async function diginetica(overrides: object, validate: boolean, folder: string): Promise<string> {
  const { all, sessions } = await digineticaInteractions(folder);
  const known = validate ? sessions - Math.floor(sessions / 20) : sessions;
  const settings = readSettings(sessionSpec, { ...digineticaSettings, ...overrides });
  const fitting = stopwatch();
  const offsets = new Int32Array(known + 1);
  const kept: number[] = [];
  for (let session = 0; session < known; session++) {
    const to = all.offsets[session + 1]!;
    for (let e = Math.max(all.offsets[session]!, to - settings.sessionItemsMax); e < to; e++) kept.push(all.items[e]!);
    offsets[session + 1] = kept.length;
  }
  const ages = Float32Array.from({ length: known }, (_, session) => (known - session) / sessionsPerDay);
  const model = createSessionModel(indexSessions({ offsets, items: Int32Array.from(kept), ages }, all.itemCount, settings), settings);
  const took = fitting();
  const asking = stopwatch();
  const sums = { lines: 0, hits: 0, reciprocal: 0 };
  const foretell = (from: number, at: number): void => {
    const { items, scores } = predictNext(model, all.items.subarray(from, at));
    const place = items.indexOf(all.items[at]!);
    sums.lines++;
    if (place < 0) return;
    let rank = 1;
    for (let c = 0; c < items.length; c++) {
      if (scores[c]! > scores[place]! || (scores[c] === scores[place] && items[c]! < items[place]!)) rank++;
    }
    if (rank > k) return;
    sums.hits++;
    sums.reciprocal += 1 / rank;
  };
  for (let user = known; user < (validate ? sessions : all.userCount); user++) {
    const to = all.offsets[user + 1]! - 1;
    // A line of the test file is one prefix; a held-out session has all of its own.
    for (let at = validate ? all.offsets[user]! + 1 : to; at <= to; at++) foretell(all.offsets[user]!, at);
  }
  const scores = `recall@20 ${(sums.hits / sums.lines).toFixed(4)}, MRR@20 ${(sums.reciprocal / sums.lines).toFixed(4)}`;
  return `${scores}, ${sums.lines} lines, fit ${took}, answers ${asking()}`;
}

const [name = "gowalla", given = "{}", mode = "test", folder] = process.argv.slice(2);
const overrides = JSON.parse(given) as object;
const text =
  name === "diginetica"
    ? await diginetica(overrides, mode === "validate", folder ?? ".modiste/data/diginetica-split")
    : await gowalla(overrides, mode === "validate", folder ?? ".modiste/data/gowalla");
process.stdout.write(`${name}, ${mode}: ${text}\n`);
