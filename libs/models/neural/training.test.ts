import { describe, expect, it } from "vitest";
import { noProgress } from "#libs/core/progress.ts";
import { rateAt } from "#libs/models/neural/schedule.ts";
import { type Checkpoint, type Trainee, type TrainingOptions, train } from "#libs/models/neural/training.ts";

const { signal } = new AbortController();

const optionsWith = (extra: Partial<TrainingOptions> = {}): TrainingOptions => ({
  schedule: { rate: 0.1, steps: 20, warmUp: 0.1, decay: "cosine" },
  validations: 10,
  patience: 100,
  checkpointEvery: 0,
  onCheckpoint: async () => undefined,
  resume: null,
  label: "test",
  progress: noProgress,
  signal,
  ...extra,
});

/** A weight that counts the steps; `figures` answer the validations in turn. */
function counter(figures: readonly (number | null)[], losses: readonly number[] = []): Trainee {
  const weights = { count: new Float32Array(1) };
  let validation = 0;
  return {
    weights,
    moments: { sum: new Float32Array(1) },
    step: async (step) => {
      weights.count[0]!++;
      return losses[step - 1] ?? 1 / step;
    },
    validate: async () => figures[validation++] ?? null,
    worstGradient: () => "block0.query.weights",
  };
}

describe("training", () => {
  it("keeps the weights of the best validation", async () => {
    const trainee = counter([0.1, 0.4, 0.3, 0.4, 0.2, 0.1, 0, 0, 0, 0]);
    const record = await train(trainee, optionsWith());
    expect([record.bestStep, record.steps, trainee.weights.count![0]]).toEqual([4, 20, 4]);
    expect(record.curve.map(({ step }) => step)).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
  });

  it("ends after as many validations without a better one as patience says", async () => {
    const record = await train(counter([0.1, 0.4, 0.3, 0.2, 0.9]), optionsWith({ patience: 2 }));
    expect([record.bestStep, record.steps]).toEqual([4, 8]);
  });

  it("keeps the last weights where nothing is held out", async () => {
    const trainee = counter([]);
    expect((await train(trainee, optionsWith())).bestStep).toBe(20);
    expect(trainee.weights.count![0]).toBe(20);
  });

  it.each([
    [Number.NaN, "is NaN"],
    [50, "exploded from 1.000 to 50.000"],
  ])("stops with step and tensor at a loss of %s", async (loss, words) => {
    await expect(train(counter([], [1, 0.9, loss]), optionsWith())).rejects.toThrow(
      `step 3: the loss ${words}; the gradient of block0.query.weights is the worst`,
    );
  });

  it("goes on from a checkpoint with its curve, and refuses one of another model", async () => {
    const kept: Checkpoint[] = [];
    const figures = [0.1, 0.4, 0.3, 0.4, 0.2, 0.1, 0, 0, 0, 0];
    const whole = await train(
      counter(figures),
      optionsWith({ checkpointEvery: 5, onCheckpoint: async (checkpoint) => void kept.push(checkpoint) }),
    );
    expect(kept.map(({ step }) => step)).toEqual([5, 10, 15, 20]);
    const again = counter(figures.slice(2));
    expect(await train(again, optionsWith({ resume: kept[0]! }))).toEqual(whole);
    expect(again.weights.count![0]).toBe(4);
    const { "weight/count": _, ...arrays } = kept[0]!.arrays;
    await expect(train(counter([]), optionsWith({ resume: { ...kept[0]!, arrays } }))).rejects.toThrow(/weight\/count is missing/);
  });

  it("leaves a checkpoint of the very step at which it is stopped", async () => {
    const kept: Checkpoint[] = [];
    const stop = new AbortController();
    const stopped = train(
      counter([]),
      optionsWith({
        checkpointEvery: 5,
        onCheckpoint: async (checkpoint) => void kept.push(checkpoint),
        progress: ({ done }) => done === 13 && stop.abort(),
        signal: stop.signal,
      }),
    );
    await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
    expect(kept.map(({ step }) => step)).toEqual([5, 10, 13]);
    expect(kept.at(-1)!.arrays["weight/count"]![0]).toBe(13);
  });

  it("goes on with the validation in which it was stopped", async () => {
    const figures = [0.1, 0.4, 0.3, 0.5, 0.2, 0.1, 0, 0, 0, 0];
    const whole = await train(counter(figures), optionsWith());
    const kept: Checkpoint[] = [];
    const stop = new AbortController();
    const stopping: Trainee = {
      ...counter(figures),
      validate: async () => {
        stop.abort();
        return stop.signal.throwIfAborted() ?? 1;
      },
    };
    const options = optionsWith({ checkpointEvery: 100, onCheckpoint: async (made) => void kept.push(made), signal: stop.signal });
    await expect(train(stopping, options)).rejects.toThrow("aborted");
    expect(kept.map(({ step, curve }) => [step, curve.length])).toEqual([[2, 0]]);
    expect(await train(counter(figures), optionsWith({ resume: kept[0]! }))).toEqual(whole);
  });

  it("the rate rises, then falls to nothing", () => {
    const schedule = { rate: 2, steps: 100, warmUp: 0.1, decay: "cosine" } as const;
    expect([1, 5, 10, 55, 100].map((step) => rateAt(schedule, step))).toEqual([0.2, 1, 2, expect.closeTo(1, 10), expect.closeTo(0, 10)]);
    expect(rateAt({ ...schedule, decay: "constant" }, 100)).toBe(2);
  });
});
