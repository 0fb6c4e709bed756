/**
 * Gowalla's given split through the lightgcn source: `npx tsx scripts/graph-gowalla.ts '{"model":"bspm"}' [validate] [every] [folder]`,
 * where only every so-manieth user is asked.
 * Settings are the source's; time plays no part in the file, so neither weeks nor recency do. With `validate` a fifth of each user's training
 * items is held out instead of the test file: settings are chosen there. Prints recall@20 and NDCG@20 over all items, as served.
 * `rows` and `validate-rows` do the same for lightgcn by ranking factors: the trained users' own rows, which are not served, and folded in.
 */

import { systemClock } from "#libs/core/clock.ts";
import { assert } from "#libs/core/errors.ts";
import type { Progress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import { openDataset } from "#libs/data/dataset.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { measureLists, type RankedLists, rankByFactors, type SeenItems } from "#libs/evaluation/full-ranking.ts";
import { fitLightGcn } from "#libs/models/lightgcn/fit.ts";
import { recentGraph } from "#libs/models/lightgcn/graph.ts";
import { lightGcnSpec } from "#libs/models/lightgcn/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { createMemoryPart } from "#libs/testing/memory-part.ts";
import { lightgcn } from "../services/lightgcn/source.ts";

const [given = "{}", mode = "test", every = "1", folder = ".modiste/data/gowalla"] = process.argv.slice(2);
const settings = {
  weeks: 0,
  recencyHalfLifeDays: 0,
  historyItems: 1000,
  minUserItems: 1,
  ...(JSON.parse(given) as Record<string, unknown>),
};
const validating = mode.startsWith("validate");
const k = 20;
const step = Number(every);

/** Splits rows of a user by a predicate; items ascend inside a user. */
function part(from: Interactions, keep: (user: number, event: number) => boolean): { interactions: Interactions; seen: SeenItems } {
  const offsets = new Int32Array(from.userCount + 1);
  const kept: number[] = [];
  for (let user = 0; user < from.userCount; user++) {
    for (let e = from.offsets[user]!; e < from.offsets[user + 1]!; e++) if (keep(user, e)) kept.push(e);
    offsets[user + 1] = kept.length;
  }
  const items = Int32Array.from(kept, (e) => from.items[e]!);
  const indices = items.slice();
  for (let user = 0; user < from.userCount; user++) indices.subarray(offsets[user], offsets[user + 1]).sort();
  const times = Uint32Array.from(kept, (e) => from.times[e]!);
  const types = Uint8Array.from(kept, (e) => from.types[e]!);
  const values = Float32Array.from(kept, (e) => from.values[e]!);
  return { interactions: { ...from, offsets, items, times, types, values }, seen: { offsets, indices } };
}

const dataset = await openDataset(folder);
const all = await dataset.loadInteractions();
const catalog = await dataset.loadCatalog();
const users = await dataset.loadUsers();
const testFrom = dataset.manifest.test_from ?? 0;
const trained = part(all, (_, e) => all.times[e]! < testFrom);
const held = new Uint8Array(all.items.length);
const random = createRandom(1, "validation slice");
for (let user = 0; user < all.userCount; user++) {
  const own = Array.from({ length: all.offsets[user + 1]! - all.offsets[user]! }, (_, n) => all.offsets[user]! + n).filter(
    (e) => all.times[e]! < testFrom,
  );
  for (let n = Math.round(own.length / 5); n > 0 && own.length > 2; n--) held[own.splice(random.below(own.length), 1)[0]!] = 1;
}
const train = validating ? part(all, (_, e) => all.times[e]! < testFrom && held[e] === 0) : trained;
const truth = part(all, (_, e) => (validating ? held[e] === 1 : all.times[e]! >= testFrom));

const started = systemClock.monotonicMs();
const cpu = process.cpuUsage();
const report = (what: string, more: object): void => {
  const used = process.cpuUsage(cpu);
  process.stdout.write(
    `${JSON.stringify({ what, seconds: Math.round((systemClock.monotonicMs() - started) / 100) / 10, cpuSeconds: Math.round((used.user + used.system) / 1e5) / 10, rssMiB: Math.round(process.resourceUsage().maxRSS / 1024), ...more })}\n`,
  );
};
const signal = new AbortController().signal;
const printed = { next: 0 };
const progress: Progress = ({ step, done, total }) => {
  if (systemClock.monotonicMs() < printed.next) return;
  printed.next = systemClock.monotonicMs() + 20_000;
  process.stderr.write(`${step} ${done}/${total}\n`);
};
const few = (figures: Readonly<Record<string, number>>) => ({
  recall: figures[`recall@${k}`],
  ndcg: figures[`ndcg@${k}`],
  users: figures.users,
});
/** The truth of the users who are asked. */
function asked(seen: SeenItems): SeenItems {
  const offsets = new Int32Array(all.userCount + 1);
  const indices: number[] = [];
  for (let user = 0; user < all.userCount; user++) {
    if (user % step === 0) indices.push(...seen.indices.subarray(seen.offsets[user], seen.offsets[user + 1]));
    offsets[user + 1] = indices.length;
  }
  return { offsets, indices: Int32Array.from(indices) };
}

async function serve(): Promise<void> {
  const memory = createMemoryPart("lightgcn");
  await lightgcn.fit({
    interactions: train.interactions,
    catalog,
    users,
    nowSeconds: testFrom,
    seed: 1,
    threads: 2,
    part: memory,
    progress,
    signal,
    settings,
  });
  report("fit", { meta: { ...memory.reader().meta(), settings: undefined } });
  const artifact = await lightgcn.load({ part: memory.reader(), catalog });

  const lists: RankedLists = {
    k,
    items: new Int32Array(all.userCount * k),
    scores: new Float32Array(all.userCount * k),
    counts: new Int32Array(all.userCount),
  };
  const times = new Float64Array(all.userCount);
  for (let user = 0; user < all.userCount; user += step) {
    const { offsets, items, times: seconds, types } = train.interactions;
    const [from, to] = [offsets[user]!, offsets[user + 1]!];
    const start = systemClock.monotonicMs();
    const answer = lightgcn.retrieve(artifact, {
      limit: k,
      nowSeconds: testFrom,
      items: items.subarray(from, to),
      times: Float64Array.from(seconds.subarray(from, to)),
      types: types.subarray(from, to),
      attributes: new Map(),
      seeds: new Int32Array(0),
      allowed: null,
    });
    times[user] = systemClock.monotonicMs() - start;
    lists.items.set(answer.items, user * k);
    lists.counts[user] = answer.items.length;
  }
  report("as served", {
    ...few(measureLists(lists, asked(truth.seen), k)),
    medianMs: times.filter((ms) => ms > 0).sort()[Math.floor(all.userCount / step / 2)],
  });
}

/** lightgcn's rows by exact ranking, two lists for each user. */
async function measureRows(): Promise<void> {
  const own = readSettings(lightGcnSpec, settings);
  const graph = await recentGraph(train.interactions, testFrom, own, 1, createPace(signal));
  assert(graph.userCount === all.userCount, "a user has no training item: rows would shift");
  const { d, userVectors, itemVectors, foldVectors, curve, bestEpoch } = await fitLightGcn(graph, own, 1, 2, progress, signal);
  report("fit", { bestEpoch, curve });
  const numberOf = new Int32Array(all.itemCount).fill(-1);
  graph.items.forEach((item, number) => {
    numberOf[item] = number;
  });
  const degrees = new Int32Array(graph.items.length);
  for (const item of graph.edges) degrees[item]!++;
  const folded = new Float32Array(userVectors.length);
  for (let user = 0; user < graph.userCount; user++) {
    for (const item of graph.edges.subarray(graph.offsets[user], graph.offsets[user + 1]))
      for (let c = 0; c < d; c++) folded[user * d + c]! += foldVectors[item * d + c]! / Math.sqrt(degrees[item]!);
  }
  const wanted = asked(truth.seen);
  const relevant = { ...wanted, indices: wanted.indices.map((item) => numberOf[item]!) };
  const seen = { offsets: graph.offsets, indices: graph.edges };
  for (const [what, users] of [
    ["user rows", userVectors],
    ["folded in", folded],
  ] as const)
    report(what, few(measureLists(await rankByFactors({ users, items: itemVectors, d, seen, k }, 2, signal), relevant, k)));
}

await (mode.endsWith("rows") ? measureRows() : serve());
dataset.close();
