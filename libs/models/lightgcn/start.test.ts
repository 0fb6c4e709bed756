import { describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import { fitLightGcn } from "#libs/models/lightgcn/fit.ts";
import { recentGraph } from "#libs/models/lightgcn/graph.ts";
import { lightGcnSpec } from "#libs/models/lightgcn/settings.ts";
import { scaleStart, startSpectral } from "#libs/models/lightgcn/start.ts";
import { createLoss } from "#libs/models/lightgcn/steps.ts";
import { createTrainer, propagate, restoreEdges, setEdges } from "#libs/models/lightgcn/trainer.ts";
import { readSettings } from "#libs/models/settings.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";

const signal = new AbortController().signal;
const pace = createPace(signal);
const shop = createFixtureShop();
const settings = readSettings(lightGcnSpec, {
  dimensions: 16,
  weeks: 0,
  epochs: 3,
  validationUsers: 100,
  validateEvery: 1,
  start: "spectral",
});
const graph = await recentGraph(shop.interactions, shop.nowSeconds, settings, 1, pace);
const split = graph.userCount * settings.dimensions;

describe("spectral start", () => {
  it("puts users at 0 and items at directions that propagation only shortens", async () => {
    const trainer = createTrainer(graph, { ...settings, startExponent: 0 }, 0, signal);
    await startSpectral(trainer, 1, 0, pace, signal);
    const start = trainer.embeddings.values.slice();
    expect(start.subarray(0, split).every((value) => value === 0)).toBe(true);
    // With E = (0, V): (I + A + A^2) E has (1 + s^2) V for the items, so its columns are those of V.
    const z = (await propagate(trainer, trainer.embeddings, 2)).values;
    for (let c = 0; c < 3; c++) {
      let [dot, a, b] = [0, 0, 0];
      for (let at = split + c; at < start.length; at += settings.dimensions) {
        dot += start[at]! * z[at]!;
        a += start[at]! ** 2;
        b += z[at]! ** 2;
      }
      expect(dot / Math.sqrt(a * b)).toBeGreaterThan(0.999);
    }
  });

  it("takes the length under which the loss is smallest", async () => {
    const trainer = createTrainer(graph, settings, 0, signal);
    await startSpectral(trainer, 1, 0, pace, signal);
    const first = trainer.embeddings.values.slice();
    const loss = createLoss(trainer);
    const factor = await scaleStart(trainer, loss, createRandom(1, "scale"), pace);
    expect(factor).toBeGreaterThan(1);
    expect(trainer.embeddings.values[split]).toBeCloseTo(first[split]! * factor, 5);
    const lossAt = async (share: number): Promise<number> => {
      const z = await propagate(trainer, trainer.embeddings);
      for (let i = 0; i < z.values.length; i++) z.values[i]! *= share;
      return loss.take(z, pace);
    };
    const own = await lossAt(1);
    expect(own).toBeLessThan(await lossAt(1 / 1.5));
    expect(own).toBeLessThan(await lossAt(1.5));
  });

  it("is better than chance after fewer epochs", async () => {
    const best = async (start: "random" | "spectral"): Promise<number> => {
      const { curve } = await fitLightGcn(graph, { ...settings, start }, 1, 0, noProgress, signal);
      return Math.max(...curve.map(({ ndcg }) => ndcg!));
    };
    expect(await best("spectral")).toBeGreaterThan(await best("random"));
  });
});

describe("pairs left out of their own propagation", () => {
  it("are 0 in both rows, and come back", () => {
    const trainer = createTrainer(graph, settings, 0, signal);
    const before = trainer.weights.values.slice();
    setEdges(trainer, Int32Array.of(3, 7), 0);
    const changed = Array.from(before.keys()).filter((at) => trainer.weights.values[at] !== before[at]);
    expect(changed).toEqual([3, 7, trainer.twins[3]!, trainer.twins[7]!].sort((a, b) => a - b));
    setEdges(trainer, Int32Array.of(3), 1);
    expect(trainer.weights.values[3]).toBe(before[3]);
    restoreEdges(trainer);
    expect(trainer.weights.values).toEqual(before);
  });
});
