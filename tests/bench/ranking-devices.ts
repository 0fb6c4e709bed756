/** Wide & Deep on a device: with features and without, by the candidates of a request, and 64 requests together against one after the other. */

import { systemClock } from "#libs/core/clock.ts";
import { batchRuns } from "#libs/graph/executors/batched.ts";
import type { Feeds, Session } from "#libs/graph/executors/session.ts";
import type { PlaceNetwork, RankQuery, ScoringNetwork } from "#libs/serve/ranker.ts";
import { createPlacement } from "../../services/ranking/devices/place.ts";
import { type DeviceName, deviceNames } from "../../services/ranking/devices/settings.ts";
import { type Bench, type BenchContext, type Figures, higher, lower, quantile, sortedOf } from "./bench.ts";
import { runScript } from "./children.ts";
import { benchQuery, benchUsers, type LoadedRelease, openRelease, shortened } from "./loaded-release.ts";

const sizes = [50, 100, 200, 500] as const;
const userCount = 60;
const rounds = 8;
/** Requests that come together, and the candidates of each. */
const together = { requests: 64, candidates: 100, rounds: 12 } as const;
/** Of `ranking 500 candidates with features` (DESIGN section 9). */
const budgetMs = 2;

/** As settings would have it, but the device must be there: its refusal ends the bench. */
function placementOn(device: DeviceName, hold: (network: ScoringNetwork, placed: Session) => void): PlaceNetwork {
  const place = createPlacement({
    settings: { device, deviceLimitMs: 10_000, batchWaitMs: 0, batchRows: 1e5 },
    clock: systemClock,
    watch: () => ({
      ready: () => undefined,
      lost: (how, pauseMs) => {
        if (pauseMs !== null) throw new Error(`${device} ended: ${how}`);
      },
      refused: (cause) => {
        throw new Error(`${device} is refused: ${cause.detail}`, { cause });
      },
      answered: () => undefined,
      missed: (why) => {
        throw new Error(`${device} did not answer: ${why}`);
      },
    }),
  });
  return async (network) => {
    const placed = await place(network);
    hold(network, placed);
    return placed;
  };
}

interface Times {
  /** Milliseconds of each call, ascending. */
  readonly sorted: Float64Array;
  /** Milliseconds of this process's processor that a call took: what a busy machine blurs least. */
  readonly processorMs: number;
}

/** Of the rounds after the first, which is the compiler's. */
async function timesOf(calls: readonly (() => Promise<unknown>)[]): Promise<Times> {
  const times: number[] = [];
  let before = process.cpuUsage();
  for (let round = 0; round <= rounds; round++) {
    if (round === 1) before = process.cpuUsage();
    for (const call of calls) {
      const startedMs = performance.now();
      await call();
      if (round > 0) times.push(performance.now() - startedMs);
    }
  }
  const { user, system } = process.cpuUsage(before);
  return { sorted: sortedOf(times), processorMs: (user + system) / 1000 / times.length };
}

function putTimes(figures: Figures, prefix: string, candidates: number, { sorted, processorMs }: Times, budget?: number): void {
  const p50 = quantile(sorted, 0.5);
  figures[`${prefix}.p50`] = lower(p50, "ms", budget);
  figures[`${prefix}.p99`] = lower(quantile(sorted, 0.99), "ms");
  figures[`${prefix}.processor`] = lower(processorMs, "CPU ms");
  figures[`${prefix}.candidates-per-second`] = higher((candidates / p50) * 1000, "1/s");
}

/** Rows of the network's input that differ. */
function rowsFor({ golden }: ScoringNetwork, count: number): Feeds {
  return Object.fromEntries(
    Object.entries(golden.feeds).map(([name, values]) => {
      const width = values.length / golden.rows;
      return [name, Float32Array.from({ length: count * width }, (_, i) => values[i % values.length]! + (i % 7) / 100)];
    }),
  );
}

async function networkFigures(figures: Figures, prefix: string, network: ScoringNetwork, session: Session): Promise<void> {
  for (const count of sizes) {
    const feeds = rowsFor(network, count);
    const calls = Array.from({ length: userCount }, () => () => session.run(feeds, { rows: count }));
    putTimes(figures, `${prefix}.network-${count}`, count, await timesOf(calls));
  }
}

/** Milliseconds for all 64, and how many times as fast the joined runs are. */
async function togetherFigures(figures: Figures, prefix: string, run: (request: number) => Promise<unknown>, batched = run): Promise<void> {
  const requests = Array.from({ length: together.requests }, (_, request) => request);
  const oneByOne = async (): Promise<void> => {
    for (const request of requests) await run(request);
  };
  // In turn, so that a busy neighbour slows both.
  const [apart, joined]: [number[], number[]] = [[], []];
  for (let round = 0; round <= together.rounds; round++) {
    for (const [times, call] of [
      [apart, oneByOne],
      [joined, () => Promise.all(requests.map(batched))],
    ] as const) {
      const startedMs = performance.now();
      await call();
      if (round > 0) times.push(performance.now() - startedMs);
    }
  }
  const [apartMs, joinedMs] = [quantile(sortedOf(apart), 0.5), quantile(sortedOf(joined), 0.5)];
  figures[`${prefix}.one-by-one`] = lower(apartMs, "ms");
  figures[`${prefix}.together`] = lower(joinedMs, "ms");
  figures[`${prefix}.gain`] = higher(apartMs / joinedMs, "times");
}

async function withFeatures(figures: Figures, prefix: string, { ranker, artifact }: LoadedRelease, queries: readonly RankQuery[]) {
  for (const count of sizes) {
    const calls = queries.map((query) => {
      const asked = shortened(query, count);
      return () => ranker.score(artifact, asked);
    });
    putTimes(figures, `${prefix}.rank-${count}`, count, await timesOf(calls), count === 500 ? budgetMs : undefined);
  }
  const asked = Array.from({ length: together.requests }, (_, i) => shortened(queries[i % queries.length]!, together.candidates));
  await togetherFigures(figures, `${prefix}.rank-64x${together.candidates}`, (request) => ranker.score(artifact, asked[request]!));
}

/** The tests' shop has a linear ranker: it is trained again, quickly, since how well it ranks changes no time. */
async function openWideDeep({ home, data, say }: BenchContext, place: PlaceNetwork): Promise<LoadedRelease> {
  const found = await openRelease(home, place);
  if (found.ranker.model(found.artifact) === "wide-deep") return found;
  await found.close();
  if (data !== "tiny") throw new Error(`the release of ${home} has another ranker; modiste train --ranker wide-deep --sasrec`);
  say("training Wide & Deep and SASRec, an epoch each");
  const settings = JSON.stringify({ ranking: { epochs: 1 }, sasrec: { epochs: 1 } });
  const words = ["train", "--home", home, "--data", data, "--ranker", "wide-deep", "--sasrec", "--no-gate", "--settings", settings];
  await runScript("services/cli/main.ts", words);
  return openRelease(home, place);
}

async function putDevice(figures: Figures, context: BenchContext, device: DeviceName): Promise<void> {
  const held: { network?: ScoringNetwork; placed?: Session } = {};
  const release = await openWideDeep(
    context,
    placementOn(device, (network, placed) => Object.assign(held, { network, placed })),
  );
  const { network, placed } = held as Required<typeof held>;
  try {
    const users = await benchUsers(context.home, release, userCount);
    const queries = users.map((user) => benchQuery(user, release, 500, "all")).filter(({ candidates }) => candidates.length === 500);
    if (queries.length === 0) throw new Error("no user has 500 candidates");
    const prefix = `${context.data}.wide-deep.${device}`;
    await withFeatures(figures, prefix, release, queries);
    await networkFigures(figures, prefix, network, placed);
    const feeds = rowsFor(network, together.candidates);
    const run = (session: Session) => () => session.run(feeds, { rows: together.candidates });
    const batched = device === "cpu" ? batchRuns(network.cpu, { graph: network.graph, size: "rows", rowsMax: 1e5, waitMs: 0 }) : placed;
    await togetherFigures(figures, `${prefix}.network-64x${together.candidates}`, run(placed), run(batched));
  } finally {
    await release.close();
  }
}

async function deviceFigures(context: BenchContext): Promise<Figures> {
  const figures: Figures = {};
  for (const word of context.device.split(",")) {
    const device = deviceNames.find((name) => name === word);
    if (!device) throw new Error(`no device ${word}; there are ${deviceNames.join(", ")}`);
    await putDevice(figures, context, device);
  }
  return figures;
}

export const rankingDevices: Bench = {
  name: "ranking-devices",
  about: "Wide & Deep by candidates and device (--device), requests together against one by one",
  run: deviceFigures,
};
