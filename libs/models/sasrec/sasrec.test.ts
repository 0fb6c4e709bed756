import { beforeAll, describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import type { Executor, Session } from "#libs/graph/executors/executor.ts";
import { openExecutor } from "#libs/graph/executors/executor.ts";
import type { Checkpoint } from "#libs/models/neural/training.ts";
import { encodeUsers } from "#libs/models/sasrec/encoder.ts";
import { fitSasrec, type SasrecModel } from "#libs/models/sasrec/fit.ts";
import type { EventSequences } from "#libs/models/sasrec/inputs.ts";
import { encoderGraph } from "#libs/models/sasrec/network.ts";
import { sasrecSpec } from "#libs/models/sasrec/settings.ts";
import { readSettings } from "#libs/models/settings.ts";

const { signal } = new AbortController();
const [users, items, purchase] = [120, 24, 3];

/** Everyone walks round a ring, three steps forward at a time, but for some noise: the next item is known from the last. */
function ring(length = 12): EventSequences {
  const random = createRandom(3, "ring");
  const offsets = new Int32Array(users + 1);
  const events: number[] = [];
  for (let user = 0; user < users; user++) {
    let item = random.below(items);
    for (let n = 0; n < 4 + random.below(length); n++) {
      events.push(item);
      item = random.next() < 0.05 ? random.below(items) : (item + 3) % items;
    }
    offsets[user + 1] = events.length;
  }
  const codes = Int32Array.from({ length: items }, (_, item) => item % 3);
  return {
    itemCount: items,
    offsets,
    items: Int32Array.from(events),
    times: Float64Array.from(events, (_, at) => at * 3600),
    types: new Uint8Array(events.length).fill(purchase),
    columns: [{ name: "colour", values: ["red", "green", "blue"], codes }],
  };
}

const targetTypes = Uint8Array.from({ length: 7 }, (_, code) => (code === purchase ? 1 : 0));
const small = {
  dimensions: 16,
  feedForward: 32,
  length: 8,
  batchRows: 8,
  epochs: 12,
  learningRate: 0.01,
  dropout: 0.1,
  initialDeviation: 0.1,
};

let executor: Executor;
beforeAll(async () => {
  executor = await openExecutor("onnx");
});

interface Extra {
  readonly sequences?: EventSequences;
  readonly checkpointEvery?: number;
  readonly onCheckpoint?: (checkpoint: Checkpoint) => Promise<void>;
  readonly resume?: Checkpoint;
}

const trained = (overrides: Readonly<Record<string, unknown>>, extra: Extra = {}): Promise<SasrecModel> =>
  fitSasrec({
    sequences: extra.sequences ?? ring(),
    settings: readSettings(sasrecSpec, { ...small, ...overrides }),
    targetTypes,
    seen: "keep",
    executor,
    seed: 1,
    threads: 0,
    checkpointEvery: extra.checkpointEvery ?? 0,
    onCheckpoint: extra.onCheckpoint ?? (async () => undefined),
    resume: extra.resume ?? null,
    progress: noProgress,
    signal,
  });

/** Scores of all items after each history. */
async function scores({ tables, weights }: SasrecModel, histories: readonly (readonly number[])[]): Promise<number[][]> {
  const settings = readSettings(sasrecSpec, { ...small, dimensions: tables.d });
  const session: Session = await executor.open(encoderGraph(settings), { threads: 1 });
  const event = (list: readonly number[]) => ({ items: list, times: list.map((_, at) => at * 3600), types: list.map(() => purchase) });
  const states = await encodeUsers(session, weights, tables, histories.length, (user) => event(histories[user]!), signal);
  await session.close();
  return histories.map((_, user) =>
    Array.from({ length: tables.items.length / tables.d }, (_, item) => {
      let score = 0;
      for (let c = 0; c < tables.d; c++) score += states[user * tables.d + c]! * tables.items[item * tables.d + c]!;
      return score;
    }),
  );
}

const best = (row: readonly number[]): number => row.indexOf(Math.max(...row.slice(0, items)));

describe("SASRec", () => {
  it.each([
    ["the full softmax", {}],
    ["sampled negatives", { loss: "sampled", negatives: 12, epochs: 20 }],
    [
      "two heads, smoothing, types, gaps and attributes",
      { heads: 2, labelSmoothing: 0.1, eventTypes: "input", timeGaps: "input", attributes: "all" },
    ],
  ])("learns what comes next, with %s", async (_, overrides) => {
    const model = await trained(overrides);
    const starts = [0, 5, 11, 20];
    const rows = await scores(
      model,
      starts.map((start) => [start, (start + 3) % items, (start + 6) % items]),
    );
    expect(rows.map(best)).toEqual(starts.map((start) => (start + 9) % items));
    expect(model.record.curve.at(-1)!.loss).toBeLessThan(model.record.curve[0]!.loss * 0.8);
    expect(Math.max(...model.record.curve.map(({ figure }) => figure!))).toBeGreaterThan(0.8);
  });

  it("goes on from any checkpoint to the very same model, on one thread", async () => {
    const kept: Checkpoint[] = [];
    const whole = await trained({ epochs: 3 }, { checkpointEvery: 7, onCheckpoint: async (checkpoint) => void kept.push(checkpoint) });
    expect(kept.length).toBeGreaterThan(2);
    for (const resume of [kept[0]!, kept.at(-1)!]) {
      const again = await trained({ epochs: 3 }, { resume });
      expect(again.weights).toEqual(whole.weights);
      expect(again.tables).toEqual(whole.tables);
      expect(again.record).toEqual(whole.record);
    }
  });

  it("refuses a checkpoint of another model by name", async () => {
    const kept: Checkpoint[] = [];
    await trained({ epochs: 1 }, { checkpointEvery: 5, onCheckpoint: async (checkpoint) => void kept.push(checkpoint) });
    await expect(trained({ epochs: 1, dimensions: 8 }, { resume: kept[0]! })).rejects.toThrow(
      /weight\/items has 400 values, not 200: it is of another model/,
    );
  });

  it("scores an unknown item as the unknown row, and a new item by its attributes", async () => {
    // Item 23 is never bought: its vector is the unknown row's and its colour's.
    const sequences = ring();
    const without = { ...sequences, items: sequences.items.map((item) => (item === 23 ? 20 : item)) };
    const { tables } = await trained({ attributes: "all", unknownShare: 0.1 }, { sequences: without });
    const vector = (item: number): number[] => Array.from(tables.items.subarray(item * tables.d, (item + 1) * tables.d));
    expect(vector(23)).not.toEqual(vector(items));
    const plain = await trained({ unknownShare: 0.1 }, { sequences: without });
    const row = (item: number): number[] => Array.from(plain.tables.items.subarray(item * plain.tables.d, (item + 1) * plain.tables.d));
    expect(row(23)).toEqual(row(items));
    const [known, unknown] = await scores(plain, [
      [2, 5, 8],
      [-1, 5, 8],
    ]);
    expect(best(known!)).toBe(11);
    expect(unknown!.every(Number.isFinite)).toBe(true);
  });

  it("ranks for empty and one-event histories, and a user's score does not depend on who is beside it", async () => {
    const model = await trained({});
    const [empty, one, long] = await scores(model, [[], [4], Array.from({ length: 20 }, (_, n) => (n * 3) % items)]);
    expect(new Set(empty).size).toBeGreaterThan(items / 2);
    expect(empty!.every(Number.isFinite)).toBe(true);
    expect(best(one!)).toBe(7);
    const [alone] = await scores(model, [[4]]);
    alone!.forEach((score, item) => {
      expect(score).toBeCloseTo(one![item]!, 4);
    });
    expect(best(long!)).toBe((20 * 3) % items);
  });

  it("refuses settings that do not go together, by name", async () => {
    await expect(trained({ dimensions: 18 })).rejects.toThrow(/dimensions/);
    await expect(trained({ heads: 3 })).rejects.toThrow(/heads/);
    await expect(trained({ loss: "sampled", labelSmoothing: 0.1 })).rejects.toThrow(/labelSmoothing/);
  });
});
