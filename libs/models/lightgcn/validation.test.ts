import { describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { fitLightGcn } from "#libs/models/lightgcn/fit.ts";
import { recentGraph } from "#libs/models/lightgcn/graph.ts";
import { lightGcnSpec } from "#libs/models/lightgcn/settings.ts";
import { holdOut, validate } from "#libs/models/lightgcn/validation.ts";
import { readSettings } from "#libs/models/settings.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";

const signal = new AbortController().signal;
const shop = createFixtureShop();
const settings = readSettings(lightGcnSpec, {
  dimensions: 16,
  weeks: 0,
  epochs: 60,
  validationUsers: 100,
  validateEvery: 1,
  patience: 3,
  rateDecay: "none",
});
const graph = await recentGraph(shop.interactions, shop.nowSeconds, settings, 1, createPace(signal));

describe("early stopping", () => {
  it("holds out a fifth of some users' items, and no item loses its last user", () => {
    const slice = holdOut(graph, 100, 1)!;
    expect(slice.users.length).toBeGreaterThan(60);
    expect(slice.users.length).toBeLessThan(140);
    expect(slice.graph.edges.length + slice.held.indices.length).toBe(graph.edges.length);
    expect(slice.held.indices.length).toBeGreaterThan(slice.users.length / 2);
    expect(new Set(slice.graph.edges)).toEqual(new Set(graph.edges));
    slice.users.forEach((user, at) => {
      const held = slice.held.indices.subarray(slice.held.offsets[at], slice.held.offsets[at + 1]);
      const own = new Set(graph.edges.subarray(graph.offsets[user], graph.offsets[user + 1]));
      const left = slice.seen.indices.subarray(slice.seen.offsets[at], slice.seen.offsets[at + 1]);
      for (const item of held) expect(own.has(item) && !left.includes(item)).toBe(true);
      expect(held.length + left.length).toBe(own.size);
    });
    expect(holdOut(graph, 100, 1)).toEqual(slice);
    expect(holdOut(graph, 0, 1)).toBeNull();
  });

  it("gives a perfect ranking 1 and its opposite 0", async () => {
    const slice = holdOut(graph, 1e9, 1)!;
    const d = slice.users.length + 4 - (slice.users.length % 4);
    const nodes = graph.userCount + graph.items.length;
    const z = new Float32Array(nodes * d);
    slice.users.forEach((user, at) => {
      z[user * d + at] = 1;
      for (const item of slice.held.indices.subarray(slice.held.offsets[at], slice.held.offsets[at + 1]))
        z[(graph.userCount + item) * d + at] = 1;
    });
    expect(await validate(slice, z, d, 0, signal)).toBeCloseTo(1, 12);
    slice.users.forEach((user, at) => {
      z[user * d + at] = -1;
    });
    expect(await validate(slice, z, d, 0, signal)).toBeLessThan(0.05);
  });

  it("stops when the slice gets no better, and keeps the best epoch's embeddings", async () => {
    const model = await fitLightGcn(graph, { ...settings, learningRate: 0.2 }, 2, 0, noProgress, signal);
    const measured = model.curve.map(({ ndcg }) => ndcg!);
    expect(model.curve.length).toBeLessThan(60);
    expect(model.curve.length).toBe(model.bestEpoch + 3);
    expect(measured[model.bestEpoch - 1]).toBe(Math.max(...measured));
    const shorter = await fitLightGcn(graph, { ...settings, learningRate: 0.2, epochs: model.bestEpoch }, 2, 0, noProgress, signal);
    expect(shorter.itemVectors).toEqual(model.itemVectors);
  });
});
