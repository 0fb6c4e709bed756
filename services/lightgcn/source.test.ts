import { describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { fitLightGcn } from "#libs/models/lightgcn/fit.ts";
import { foldIn, type LightGcnArtifact, retrieveByGraph } from "#libs/models/lightgcn/fold.ts";
import { recentGraph } from "#libs/models/lightgcn/graph.ts";
import { lightGcnSpec } from "#libs/models/lightgcn/settings.ts";
import { readSettings } from "#libs/models/settings.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { createVectorIndex } from "#libs/sparse/vector-index.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { sourceContract } from "#libs/testing/source-contract.ts";
import { lightgcn } from "./source.ts";

const small = { dimensions: 16, epochs: 20, validationUsers: 0 };
sourceContract("lightgcn with softmax", lightgcn, { settings: small, recallMin: 0.3, answersStrangers: false, fillsFilter: false });

sourceContract("lightgcn with BPR", lightgcn, {
  settings: { ...small, loss: "bpr" },
  recallMin: 0.3,
  answersStrangers: false,
  fillsFilter: false,
});
for (const model of ["gfcf", "bspm"]) {
  const settings = { model, rank: 16 };
  sourceContract(`lightgcn as ${model}`, lightgcn, { settings, recallMin: 0.3, answersStrangers: false, fillsFilter: false });
}

describe("lightgcn fold-in", () => {
  // Items 1, 3 and 4 of five are in the graph, with 4, 1 and 1 users.
  const index = createVectorIndex(Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 2, 1, 0, 0), 4);
  const artifact: LightGcnArtifact = {
    settings: readSettings(lightGcnSpec, { dimensions: 4, recencyHalfLifeDays: 1 }),
    items: Int32Array.of(1, 3, 4),
    rowOf: Int32Array.of(-1, 0, -1, 1, 2),
    degrees: Float32Array.of(4, 1, 1),
    index,
    sources: index.vectors,
  };

  it("weighs items by recency and one over the root of their users", () => {
    // Item 1: 1/sqrt(4) = 0.5; item 3, half as recent: 0.5. Item 0 is not known.
    const user = foldIn(artifact, Int32Array.of(1, 3, 0), Float32Array.of(1, 0.5, 1));
    expect([...user!.vector]).toEqual([0.5, 0.5, 0, 0]);
    expect(foldIn(artifact, Int32Array.of(0, 2), Float32Array.of(1, 1))).toBeNull();
  });

  it("scores by dot product and names the item with the largest part", () => {
    const day = 86_400;
    const answer = retrieveByGraph(artifact, {
      limit: 5,
      nowSeconds: day,
      items: Int32Array.of(3, 1),
      times: Float64Array.of(0, day),
      types: Uint8Array.of(3, 3),
      seeds: new Int32Array(0),
      allowed: null,
    });
    // Own items 1 and 3 are left out; item 4: 0.5 * 2 from item 1 and 0.5 * 1 from item 3.
    expect([...answer.items]).toEqual([4]);
    expect([...answer.scores]).toEqual([1.5]);
    expect([...answer.because]).toEqual([1]);
  });
});

describe("lightgcn training", () => {
  const shop = createFixtureShop();
  const settings = readSettings(lightGcnSpec, { ...small, loss: "bpr", epochs: 8, weeks: 0 });
  const signal = new AbortController().signal;

  it("by softmax lowers the loss, and gives the same numbers on two worker threads", async () => {
    const softmax = { ...settings, loss: "softmax" } as const;
    const graph = await recentGraph(shop.interactions, shop.nowSeconds, softmax, 1, createPace(signal));
    const one = await fitLightGcn(graph, softmax, 3, 0, noProgress, signal);
    const two = await fitLightGcn(graph, softmax, 3, 2, noProgress, signal);
    expect(one.losses[7]).toBeLessThan(one.losses[0]! - 0.1);
    expect(two.itemVectors).toEqual(one.itemVectors);
    await expect(fitLightGcn(graph, { ...softmax, dimensions: 12 }, 3, 0, noProgress, signal)).rejects.toMatchObject({
      field: "settings.dimensions",
    });
  });

  it("by BPR lowers the loss epoch after epoch, and gives the same numbers on two worker threads", async () => {
    const graph = await recentGraph(shop.interactions, shop.nowSeconds, settings, 1, createPace(signal));
    const one = await fitLightGcn(graph, settings, 3, 0, noProgress, signal);
    const two = await fitLightGcn(graph, settings, 3, 2, noProgress, signal);
    expect(one.losses[0]).toBeLessThan(Math.LN2 + 0.01);
    expect(one.losses[7]).toBeLessThan(one.losses[0]! - 0.1);
    expect(two.itemVectors).toEqual(one.itemVectors);
  });

  it("takes only recent weeks, users with enough items, and each pair once", async () => {
    const interactions = { ...shop.interactions, times: shop.interactions.times.map((time, e) => (e % 2 === 0 ? 0 : time)) };
    const graph = await recentGraph(interactions, shop.nowSeconds, { ...settings, weeks: 100, minUserItems: 6 }, 1, createPace(signal));
    expect(graph.userCount).toBeLessThan(300);
    for (let user = 0; user < graph.userCount; user++) {
      const items = graph.edges.subarray(graph.offsets[user], graph.offsets[user + 1]);
      expect(items.length).toBeGreaterThanOrEqual(6);
      expect(new Set(items).size).toBe(items.length);
    }
  });

  it("makes the graph of a sample where there are more users than it may have, the same sample under a seed", async () => {
    const all = await recentGraph(shop.interactions, shop.nowSeconds, settings, 1, createPace(signal));
    const sampled = await recentGraph(shop.interactions, shop.nowSeconds, { ...settings, usersMax: 100 }, 1, createPace(signal));
    expect(all.userCount).toBeGreaterThan(200);
    expect(sampled.userCount).toBeGreaterThan(60);
    expect(sampled.userCount).toBeLessThan(140);
    expect(sampled.offsets.at(-1)).toBe(sampled.edges.length);
    expect(await recentGraph(shop.interactions, shop.nowSeconds, { ...settings, usersMax: 100 }, 1, createPace(signal))).toEqual(sampled);
  });
});
