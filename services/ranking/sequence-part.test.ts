import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { historyBefore } from "#libs/data/splits.ts";
import { openExecutor } from "#libs/graph/executors/executor.ts";
import { exportOnnx } from "#libs/graph/onnx.ts";
import { type EventHistory, encodeUsers } from "#libs/models/sasrec/encoder.ts";
import { fitSasrec, type SasrecModel } from "#libs/models/sasrec/fit.ts";
import { encoderGraph } from "#libs/models/sasrec/network.ts";
import { type SasrecSettings, sasrecSpec } from "#libs/models/sasrec/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import { indexCatalog } from "#libs/release/catalog-part.ts";
import type { PartReader } from "#libs/release/part.ts";
import { createFixtureShop, fixtureClusters } from "#libs/testing/fixture.ts";
import { createMemoryPart, type MemoryPart } from "#libs/testing/memory-part.ts";
import { loadSequencePart, type SequenceModel, sequenceHistory, writeSequencePart } from "./sequence-part.ts";

const { signal } = new AbortController();
const shop = createFixtureShop();
const catalog = indexCatalog(shop.catalog, shop.nowSeconds);
const all = Int32Array.from({ length: catalog.itemCount }, (_, item) => item);
const purchase = 3;
const settings = readSettings(sasrecSpec, {
  dimensions: 16,
  feedForward: 32,
  blocks: 1,
  length: 12,
  batchRows: 16,
  epochs: 30,
  learningRate: 0.01,
  initialDeviation: 0.02,
  weightDeviation: 0.25,
  dropout: 0.1,
  unknownShare: 0.05,
  timeGaps: "input",
  eventTypes: "input",
  validationUsers: 0,
});

function historyOf(user: number): EventHistory {
  const { start, end } = historyBefore(shop.interactions, user, shop.nowSeconds);
  const { items, times, types } = shop.interactions;
  return { items: items.slice(start, end), times: times.slice(start, end), types: types.slice(start, end) };
}

const fitted = async (own: SasrecSettings, seed = 1): Promise<SasrecModel> =>
  fitSasrec({
    sequences: { ...shop.interactions, columns: [] },
    settings: own,
    targetTypes: new Uint8Array(7).fill(1),
    seen: "keep",
    executor: await openExecutor("onnx"),
    seed,
    threads: 1,
    checkpointEvery: 0,
    onCheckpoint: async () => undefined,
    resume: null,
    progress: noProgress,
    signal,
  });

let trained: SasrecModel;
let part: MemoryPart;
let model: SequenceModel;
const parts: MemoryPart[] = [];

async function written(from: SasrecModel): Promise<MemoryPart> {
  const made = createMemoryPart("sasrec");
  parts.push(made);
  await writeSequencePart(made, { catalog, settings, model: from, histories: [0, 7, 100].map(historyOf) });
  return made;
}

beforeAll(async () => {
  trained = await fitted(settings);
  part = await written(trained);
  model = await loadSequencePart({ part: part.reader(), catalog });
});

afterAll(async () => {
  await model.close();
  for (const made of parts) made.dispose();
});

const scoresOf = async (history: EventHistory, items: ArrayLike<number> = all): Promise<Float64Array> =>
  model.scores(await model.states([history]), items);
const best = (scores: Float64Array, count: number): number[] => [...all].sort((a, b) => scores[b]! - scores[a]!).slice(0, count);
const bought = (items: readonly number[]): EventHistory => ({
  items,
  times: items.map((_, i) => shop.nowSeconds - 86_400 * (items.length - i)),
  types: items.map(() => purchase),
});

describe("SASRec as a part of a release", () => {
  it("gives the states that the training's own network gives", async () => {
    const session = await (await openExecutor("onnx")).open(encoderGraph(settings), { threads: 1 });
    const histories = Array.from({ length: 20 }, (_, user) => historyOf(user * 7));
    const expected = await encodeUsers(session, trained.weights, trained.tables, histories.length, (at) => histories[at]!, signal);
    const found = await model.states(histories);
    await session.close();
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-5);
  });

  it("ranks one-event histories by what goes with the event", async () => {
    for (const cluster of [0, 1, 2, 3, 4]) {
      const top = best(await scoresOf(bought([cluster])), 10);
      expect(top.filter((item) => item % fixtureClusters === cluster).length).toBeGreaterThanOrEqual(7);
    }
  });

  it("ranks empty histories by what many take", async () => {
    const counts = new Float64Array(catalog.itemCount);
    for (const item of shop.interactions.items) counts[item]!++;
    const mean = counts.reduce((sum, count) => sum + count, 0) / catalog.itemCount;
    const empty = await scoresOf(bought([]));
    const taken = best(empty, 20).map((item) => counts[item]!);
    expect(taken.reduce((sum, count) => sum + count, 0) / taken.length).toBeGreaterThan(1.5 * mean);
  });

  it("reads an item that the release does not know as the trained unknown row", async () => {
    const history = sequenceHistory({ itemIds: ["item-1", "of tomorrow"], timesSeconds: [1, 2], types: [purchase, purchase] }, catalog);
    expect(history.items).toEqual([1, -1]);
    const scores = await scoresOf(history, [5, -1, 10_000]);
    expect(scores.every(Number.isFinite)).toBe(true);
    expect(scores[1]).toBe(scores[2]);
    // Known events beside it still count.
    const top = best(await scoresOf({ ...history, times: [shop.nowSeconds - 9e4, shop.nowSeconds - 1e4] }), 10);
    expect(top.filter((item) => item % fixtureClusters === 1).length).toBeGreaterThanOrEqual(5);
  });
});

const altered = (meta: Readonly<Record<string, unknown>>): PartReader => {
  const reader = part.reader();
  return { ...reader, meta: () => ({ ...reader.meta(), ...meta }) };
};

describe("a part that does not match is refused by name:", () => {
  it("a vocabulary of another length, or of other items", async () => {
    const shorter = { ...catalog, itemCount: 199, ids: catalog.ids.slice(1) };
    await expect(loadSequencePart({ part: part.reader(), catalog: shorter })).rejects.toThrow(
      "release memory, part sasrec: its vocabulary has 200 items, this release's 199",
    );
    const turned = { ...catalog, ids: [...catalog.ids].reverse() };
    await expect(loadSequencePart({ part: part.reader(), catalog: turned })).rejects.toMatchObject({ reason: "vocabulary_differs" });
  });

  it("arrays of other shapes than the settings say, or none", async () => {
    const wider = altered({ settings: { ...settings, length: 13 } });
    await expect(loadSequencePart({ part: wider, catalog })).rejects.toThrow(/positions: has length 192, not 208/);
    const reader = part.reader();
    const without: PartReader = { ...reader, float32: (name, length) => reader.float32(name === "items" ? "no items" : name, length) };
    await expect(loadSequencePart({ part: without, catalog })).rejects.toThrow(/missing/);
  });

  it.each([
    [
      "of another width",
      { dimensions: 20, feedForward: 32, blocks: 1, heads: 1 },
      /encoder\.onnx: ONNX model: input "rows" is \[batch\*length, 20\]/,
    ],
    ["with another block", { dimensions: 16, feedForward: 32, blocks: 2, heads: 1 }, /golden history .* do not belong together/],
  ])("a graph %s", async (_, shape, says) => {
    const graph = encoderGraph(shape);
    const weights = Object.fromEntries(
      graph.parameters.map(({ attributes, shape: own }) => [
        String(attributes.name),
        new Float32Array(own.reduce<number>((size, dim) => size * Number(dim), 1)).fill(0.1),
      ]),
    );
    const other = await written(trained);
    writeFileSync(other.path("encoder.onnx"), exportOnnx(graph, { weights }));
    await expect(loadSequencePart({ part: other.reader(), catalog })).rejects.toThrow(says);
  });

  it("a graph file that is none, or is missing", async () => {
    const other = await written(trained);
    writeFileSync(other.path("encoder.onnx"), "no graph");
    await expect(loadSequencePart({ part: other.reader(), catalog })).rejects.toThrow(
      /part sasrec: encoder\.onnx: ONNX Runtime cannot load/,
    );
    const reader = part.reader();
    const missing: PartReader = { ...reader, path: (file) => reader.path(`not-${file}`) };
    await expect(loadSequencePart({ part: missing, catalog })).rejects.toThrow("encoder.onnx cannot be read");
  });

  it("weights of another training, which fit by shape", async () => {
    const other = await written(await fitted({ ...settings, epochs: 1 }, 2));
    const [own, foreign] = [part.reader(), other.reader()];
    await expect(loadSequencePart({ part: { ...own, path: foreign.path }, catalog })).rejects.toMatchObject({
      code: "data_loss",
      reason: "golden_differs",
    });
    await expect(loadSequencePart({ part: { ...own, float32: foreign.float32 }, catalog })).rejects.toMatchObject({
      reason: "golden_differs",
    });
  });

  it("a version, settings or a meta.json that this code does not know", async () => {
    await expect(loadSequencePart({ part: altered({ graph_version: 2 }), catalog })).rejects.toThrow(
      "its graph has version 2, this code runs version 1",
    );
    await expect(loadSequencePart({ part: altered({ settings: { experts: 8 } }), catalog })).rejects.toThrow(
      /meta\.json: settings\.experts: unknown/,
    );
    await expect(loadSequencePart({ part: altered({ golden: [{ name: "x" }] }), catalog })).rejects.toThrow(
      /meta\.json: golden\.0\.items: /,
    );
  });
});
