import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { openExecutor } from "#libs/graph/executors/executor.ts";
import { fitSasrec } from "#libs/models/sasrec/fit.ts";
import { sasrecSpec } from "#libs/models/sasrec/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import type { FleetRow } from "#libs/serve/fleet-row.ts";
import type { Ranker, RankQuery } from "#libs/serve/ranker.ts";
import { type StartedServices, startServices } from "#libs/serve/start.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { writeSmallRelease } from "#libs/testing/small-release.ts";
import { RankerDefinition, type RankRequest, type RankResponse } from "#protos/ranker.ts";
import { writeSequencePart } from "./sequence-part.ts";
import { rankingService } from "./service.ts";

const shop = createFixtureShop();
let asked: RankQuery[];
/** Releases whose artifacts were closed. */
let closed: unknown[];
let home: string;
let started: StartedServices;

/** What the ranker answers instead of a candidate's index, by index. */
let strange: ReadonlyMap<number, number>;

/** Scores a candidate by its index; its features are its index and the length of the list. */
const byIndex: Ranker<unknown> = {
  model: () => "by-index",
  check: () => undefined,
  fit: async () => undefined,
  load: async ({ part }) => part.meta(),
  follow: async (artifact) => artifact,
  extend: (artifact) => artifact,
  score: async (_, query) => {
    asked.push(query);
    return Float64Array.from(query.candidates, (item) => strange.get(item) ?? item);
  },
  features: (_, { candidates }, positions) => ({
    names: ["index", "count"],
    values: Float32Array.from([...positions].flatMap((position) => [candidates[position]!, candidates.length])),
    live: null,
  }),
  contributions: async (_, __, positions) => ({
    groups: ["index", "nothing"],
    values: new Float64Array(positions.length * 2).map((_, at) => (at % 2 === 0 ? positions[at / 2]! : 0)),
  }),
  close: async (artifact) => void closed.push(artifact),
  featureHash: () => "0",
};

const row: FleetRow = {
  name: "ranking",
  kind: "ranker",
  port: 0,
  budgetMs: 50,
  quota: 0,
  onFailure: "degrade",
  replicas: 1,
  resources: { cpu: 1, memoryMiB: 1 },
  module: async () => rankingService(byIndex),
};

function start(more: Readonly<Record<string, string>> = {}): Promise<StartedServices> {
  const env = { MODISTE_HOME: home, MODISTE_RPC_PORT: "0", MODISTE_ADMIN_PORT: "0", ...more };
  return startServices([row], [], { env, log: (service) => createLogger({ service, level: "silent" }) });
}

beforeEach(async () => {
  closed = [];
  asked = [];
  strange = new Map();
  home = await mkdtemp(join(tmpdir(), "modiste-ranking-"));
  await writeSmallRelease(home, "r1", shop, ["ranking"]);
  started = await start();
});

afterEach(async () => {
  await started.close();
  await rm(home, { recursive: true, force: true });
});

const rank = (request: Partial<RankRequest>): Promise<RankResponse> =>
  started.connector.connect(RankerDefinition, "local:ranking").rank({ release: "r1", nowSeconds: shop.nowSeconds, ...request });

const column = (source: string, pinned = true): RankRequest["sources"][number] => ({ source, scores: [0.5, 0.25], ranks: [1, 2], pinned });

describe("the ranking service", () => {
  it("answers one score a candidate, in the order of the request, with release and model", async () => {
    const answer = await rank({ itemIds: ["item-9", "item-2"], sources: [column("itemcf")] });
    expect(answer).toEqual({ release: "r1", scores: [9, 2], model: "by-index" });
  });

  it("sinks what the release does not know below everything, and asks the ranker for the rest", async () => {
    const sources = [{ source: "itemcf", scores: [3, 2, 1], ranks: [1, 2, 3], pinned: true }];
    const { scores } = await rank({ itemIds: ["item-7", "from another release", "item-1"], sources });
    expect(scores).toEqual([7, -Number.MAX_VALUE, 1]);
    const query = asked.at(-1)!;
    expect([...query.candidates]).toEqual([7, 1]);
    expect(Array.from(query.sources[0]!.scores)).toEqual([3, 1]);
    expect(Array.from(query.sources[0]!.ranks)).toEqual([1, 3]);
  });

  it("counts the word of a source of another release as missing", async () => {
    await rank({ itemIds: ["item-9", "item-2"], sources: [column("itemcf", false), column("content")] });
    expect(asked.at(-1)!.sources.map(({ source }) => source)).toEqual(["content"]);
  });

  it("refuses columns of another length and too many candidates, naming them", async () => {
    await expect(rank({ itemIds: ["item-1"], sources: [column("content")] })).rejects.toMatchObject({
      code: "invalid_argument",
      field: "sources.content",
    });
    const itemIds = Array.from({ length: 2001 }, (_, i) => `item-${i}`);
    await expect(rank({ itemIds })).rejects.toMatchObject({ code: "invalid_argument", field: "item_ids" });
  });

  it("reads and runs a SASRec part, and ranks as without it", async () => {
    await started.close();
    const settings = readSettings(sasrecSpec, { dimensions: 8, feedForward: 8, blocks: 1, length: 8, epochs: 1 });
    const model = await fitSasrec({
      sequences: { ...shop.interactions, columns: [] },
      settings,
      targetTypes: new Uint8Array(7).fill(1),
      seen: "keep",
      executor: await openExecutor("onnx"),
      seed: 1,
      threads: 1,
      checkpointEvery: 0,
      onCheckpoint: async () => undefined,
      resume: null,
      progress: noProgress,
      signal: new AbortController().signal,
    });
    await writeSmallRelease(home, "r3", shop, ["ranking"], {
      sasrec: (part) => writeSequencePart(part, { catalog: shop.catalog, settings, model, histories: [] }),
    });
    started = await start();
    expect(await rank({ release: "r3", itemIds: ["item-9", "item-2"] })).toEqual({ release: "r3", scores: [9, 2], model: "by-index" });
  });

  it("refuses a release whose SASRec part cannot be read, by name", async () => {
    await started.close();
    await writeSmallRelease(home, "r2", shop, ["ranking", "sasrec"]);
    started = await start();
    await expect(rank({ itemIds: ["item-1"] })).rejects.toThrow(/release r2 was refused: release r2, part sasrec: meta\.json: model/);
  });

  it("answers an empty list for no candidates, and no feature rows", async () => {
    const { scores, features } = await rank({ itemIds: [], featureRows: 3 });
    expect(scores).toEqual([]);
    expect(features).toMatchObject({ positions: [], values: [] });
  });

  it("takes 2000 candidates and refuses one that is named twice, saying where", async () => {
    const itemIds = Array.from({ length: 2000 }, (_, i) => `item-${i}`);
    expect((await rank({ itemIds })).scores).toHaveLength(2000);
    await expect(rank({ itemIds: ["item-1", "item-2", "item-1"] })).rejects.toMatchObject({
      code: "invalid_argument",
      field: "item_ids",
      reason: "doubled_candidate",
      message: expect.stringMatching(/twice, at 0 and 2/),
    });
    // Also where the release does not know it.
    await expect(rank({ itemIds: ["unknown", "unknown"] })).rejects.toMatchObject({ reason: "doubled_candidate" });
  });

  it("sinks scores that are no finite number, and counts them", async () => {
    strange = new Map([
      [3, Number.NaN],
      [4, Number.POSITIVE_INFINITY],
      [5, Number.NEGATIVE_INFINITY],
    ]);
    const { scores, features } = await rank({ itemIds: ["item-3", "item-4", "item-5", "item-6"], featureRows: 4 });
    expect(scores).toEqual([-Number.MAX_VALUE, -Number.MAX_VALUE, -Number.MAX_VALUE, 6]);
    expect(features!.positions).toEqual([3]);
    expect(await started.telemetry.metrics.text()).toContain("modiste_ranking_nonfinite_scores_total 3");
  });

  it("answers the feature rows of the best candidates, named by their positions in the request", async () => {
    const { features } = await rank({ itemIds: ["item-7", "from another release", "item-1", "item-9"], featureRows: 2 });
    expect(features).toEqual({ hash: "0", positions: [3, 0], values: [9, 3, 7, 3] });
    expect((await rank({ itemIds: ["item-1"] })).features).toBeUndefined();
    await expect(rank({ itemIds: ["item-1"], featureRows: 201 })).rejects.toMatchObject({ field: "feature_rows" });
  });

  it("answers what adds to the scores of the best candidates", async () => {
    const { contributions } = await rank({ itemIds: ["item-7", "from another release", "item-1", "item-9"], contributionRows: 2 });
    expect(contributions).toEqual({ groups: ["index", "nothing"], positions: [3, 0], values: [2, 0, 0, 0] });
    expect((await rank({ itemIds: ["item-1"] })).contributions).toBeUndefined();
    await expect(rank({ itemIds: ["item-1"], contributionRows: 201 })).rejects.toMatchObject({ field: "contribution_rows" });
  });

  it("closes what it serves with when it ends, and refuses a device that there is not", async () => {
    expect(closed).toEqual([]);
    await started.close();
    expect(closed).toEqual([{ release: "r1" }]);
    await expect(start({ MODISTE_RANKING_DEVICE: "tpu" })).rejects.toThrow(
      /MODISTE_RANKING_DEVICE.*one of cpu, cuda, webgpu, tfjs-gpu, tfjs-cpu/s,
    );
  });
});
