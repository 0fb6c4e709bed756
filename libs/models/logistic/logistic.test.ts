import { describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import { fitLogistic, type LabelledRows, type LogisticModel, type LogisticSettings, logisticDefaults, scoreLogistic } from "./logistic.ts";

const truth = { coefficients: [1.5, -0.8, 0, 0.4], intercept: -0.5 };
const width = truth.coefficients.length;

/** Rows whose labels were drawn from the model `truth`; columns of different scale and place. */
function drawRows(count: number, seed: number): LabelledRows {
  const random = createRandom(seed, "logistic test");
  const features = new Float32Array(count * width);
  const labels = new Uint8Array(count);
  for (let row = 0; row < count; row++) {
    let z = truth.intercept;
    for (let c = 0; c < width; c++) {
      const value = random.normal() * (c + 1) * 0.5 + c;
      features[row * width + c] = value;
      z += truth.coefficients[c]! * value;
    }
    labels[row] = random.next() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
  }
  return { features, width, labels, weights: new Float32Array(count).fill(1) };
}

const fitOn = (rows: LabelledRows, settings: Partial<LogisticSettings> = {}): Promise<LogisticModel> =>
  fitLogistic(rows, { ...logisticDefaults, ...settings }, noProgress, new AbortController().signal);

/** Mean weighted log loss, written anew. */
function loss({ features, labels, weights }: LabelledRows, model: LogisticModel): number {
  const scores = scoreLogistic(model, features);
  let sum = 0;
  let weight = 0;
  labels.forEach((label, row) => {
    sum += weights[row]! * (Math.log1p(Math.exp(-Math.abs(scores[row]!))) + Math.max(0, scores[row]!) - label * scores[row]!);
    weight += weights[row]!;
  });
  return sum / weight;
}

/** The model with one parameter moved; the last one is the intercept. */
function moved({ coefficients, intercept }: LogisticModel, parameter: number, by: number): LogisticModel {
  if (parameter === width) return { coefficients, intercept: intercept + by };
  return { coefficients: coefficients.map((value, c) => (c === parameter ? value + by : value)), intercept };
}

describe("logistic regression", () => {
  const rows = drawRows(20_000, 1);
  const thorough = { epochs: 30, l2: 0 };

  it("recovers the coefficients that the labels were drawn with, on raw features", async () => {
    const model = await fitOn(rows, thorough);
    truth.coefficients.forEach((value, c) => {
      expect(Math.abs(model.coefficients[c]! - value)).toBeLessThan(0.08);
    });
    expect(Math.abs(model.intercept - truth.intercept)).toBeLessThan(0.2);
  });

  it("ends where finite differences of the loss vanish: its gradient is the loss's", async () => {
    const model = await fitOn(rows, thorough);
    const step = 1e-4;
    for (let parameter = 0; parameter <= width; parameter++) {
      const slope = (loss(rows, moved(model, parameter, step)) - loss(rows, moved(model, parameter, -step))) / (2 * step);
      expect(Math.abs(slope)).toBeLessThan(3e-3);
    }
    expect(loss(rows, model)).toBeLessThan(loss(rows, { coefficients: new Float64Array(width), intercept: 0 }));
  });

  const slowly = { epochs: 300, learningRate: 0.05 };

  it("weighs a row as so many copies of it", async () => {
    const few = drawRows(2000, 2);
    const weights = few.weights.map((_, row) => 1 + (row % 3));
    const copies = [...weights.keys()].flatMap((row) => new Array<number>(weights[row]!).fill(row));
    const repeated: LabelledRows = {
      width,
      features: Float32Array.from(copies.flatMap((row) => [...few.features.subarray(row * width, (row + 1) * width)])),
      labels: Uint8Array.from(copies, (row) => few.labels[row]!),
      weights: new Float32Array(copies.length).fill(1),
    };
    const [weighted, copied] = await Promise.all([fitOn({ ...few, weights }, slowly), fitOn(repeated, slowly)]);
    for (let c = 0; c < width; c++) expect(Math.abs(weighted.coefficients[c]! - copied.coefficients[c]!)).toBeLessThan(0.1);
  });

  it("is deterministic under its seed, and another seed gives another order", async () => {
    const few = drawRows(3000, 3);
    expect(await fitOn(few)).toEqual(await fitOn(few));
    expect(await fitOn(few, { seed: 2 })).not.toEqual(await fitOn(few));
  });

  it("gives a constant column no coefficient", async () => {
    const few = drawRows(1000, 4);
    const features = few.features.map((value, at) => (at % width === 2 ? 7 : value));
    expect((await fitOn({ ...few, features })).coefficients[2]).toBe(0);
  });

  it("refuses labels of one kind only, and stops when it is told to", async () => {
    const few = drawRows(100, 5);
    await expect(fitOn({ ...few, labels: new Uint8Array(100) })).rejects.toMatchObject({ reason: "one_label_only" });
    await expect(fitLogistic(few, logisticDefaults, noProgress, AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
  });

  it("scores are log odds, row by row", () => {
    const model = { coefficients: Float64Array.of(2, -1), intercept: 0.5 };
    expect([...scoreLogistic(model, Float32Array.of(1, 1, 0, 3))]).toEqual([1.5, -2.5]);
  });
});
