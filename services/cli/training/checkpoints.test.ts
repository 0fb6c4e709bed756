import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRandom } from "#libs/core/random.ts";
import { writeSafetensors } from "#libs/graph/safetensors.ts";
import type { Checkpoint } from "#libs/models/neural/training.ts";
import { type CheckpointFileOptions, type CheckpointIdentity, checkpointFile, openCheckpoints } from "./checkpoints.ts";

let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modiste-checkpoints-"));
});
beforeEach(async () => {
  file = join(folder, "train.safetensors");
  await rm(file, { force: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const identity: CheckpointIdentity = { model: "sasrec", data: "abc", seed: 1, "settings.epochs": 3 };
const checkpoint: Checkpoint = {
  step: 40,
  lossSum: 0.1 + 0.2,
  firstLoss: 5.3,
  bestStep: 20,
  curve: [
    { step: 20, loss: 4.25, figure: 0.125 },
    { step: 40, loss: 4, figure: null },
  ],
  arrays: { "weight/items": Float32Array.of(1, -0, 1e-40), "best/items": Float32Array.of(4, 5, 6) },
};
const open = (changes: Partial<CheckpointFileOptions> = {}) =>
  openCheckpoints({ file, identity, every: 10, onResume: () => undefined, ...changes });

describe("a checkpoint on disk", () => {
  it("comes back with every bit, and is gone after success", async () => {
    const first = await open();
    expect(first.resume).toBeNull();
    await first.write({ ...checkpoint, step: 30 });
    await first.write(checkpoint);
    const steps: number[] = [];
    const again = await open({ onResume: (step) => void steps.push(step) });
    expect(again.resume).toEqual(checkpoint);
    expect(Object.is(again.resume!.arrays["weight/items"]![1], -0)).toBe(true);
    expect(steps).toEqual([40]);
    expect(await readdir(folder)).toEqual(["train.safetensors"]);
    await again.remove();
    expect((await open()).resume).toBeNull();
  });

  it("of another training is refused with what differs and how to start afresh", async () => {
    await (await open()).write(checkpoint);
    const other = open({ identity: { ...identity, data: "xyz", seed: 2, "settings.epochs": 4, "settings.loss": "full" } });
    await expect(other).rejects.toMatchObject({
      code: "failed_precondition",
      message:
        `[failed_precondition] checkpoint ${file} is of another training: data is abc in it, xyz now; seed is 1 in it, 2 now; settings.epochs is 3 ` +
        `in it, 4 now; settings.loss is not said in it, full now. Remove ${file} to start afresh, or train as before to go on`,
    });
    expect((await open()).resume).toEqual(checkpoint);
  });

  it("of another format is refused by number", async () => {
    await writeFile(file, writeSafetensors({}, { format: "2" }));
    await expect(open()).rejects.toThrow("its format is 2, this code's 1. Remove");
    await writeFile(file, writeSafetensors({}));
    await expect(open()).rejects.toThrow("its format is unknown");
  });

  it("that was cut anywhere, or has a flipped bit, is refused", async () => {
    await (await open()).write(checkpoint);
    const bytes = await readFile(file);
    for (let length = 0; length < bytes.length; length += 13) {
      await writeFile(file, bytes.subarray(0, length));
      await expect(open()).rejects.toMatchObject({ code: "data_loss", reason: "checkpoint_broken" });
    }
    const random = createRandom(1, "bits");
    for (let n = 0; n < 100; n++) {
      const flipped = Buffer.from(bytes);
      const at = random.below(bytes.length);
      flipped[at]! ^= 1 << random.below(8);
      await writeFile(file, flipped);
      await expect(open(), `byte ${at}`).rejects.toThrow(`Remove ${file} to start afresh`);
    }
  });

  it("that does not match makes room where a trainer runs by itself, which is told of it", async () => {
    await (await open()).write(checkpoint);
    const told: string[] = [];
    const { resume } = await open({ identity: { ...identity, seed: 2 }, onStale: ({ detail }) => void told.push(detail) });
    expect(resume).toBeNull();
    expect(told).toEqual([expect.stringContaining("seed is 1 in it, 2 now")]);
    expect(existsSync(file)).toBe(false);
  });

  it("leaves nothing of a process that was killed while it wrote", async () => {
    await writeFile(`${file}.999999999.part`, "half");
    await open();
    expect(await readdir(folder)).toEqual([]);
  });

  it("has a name that any data set and experiment can give", () => {
    expect(checkpointFile("/home", ["experiment", "a", "../x y", "2020-09-16"])).toBe(
      "/home/checkpoints/experiment-a-.._x_y-2020-09-16.safetensors",
    );
  });
});

const trainer = fileURLToPath(new URL("./trainer.fixture.ts", import.meta.url));

interface Trained {
  /** Step of the checkpoint that it went on from; 0: none. */
  readonly after: number;
  readonly steps: number;
  /** Null when it was killed. */
  readonly end: string | null;
  readonly errors: string;
}

/** Runs the trainer in a process of its own; kills it as soon as it says that it has done `killAt` steps. */
function runTrainer(checkpoints: string, killAt: number): Promise<Trained> {
  const child = spawn(process.execPath, ["--import", "tsx", trainer, checkpoints], { stdio: ["ignore", "pipe", "pipe"] });
  let [after, steps, errors] = [0, 0, ""];
  let end: string | null = null;
  child.stderr.on("data", (text: Buffer) => {
    errors += text.toString();
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [, word, rest] = /^(\w+) (.*)$/.exec(line)!;
    if (word === "after") after = Number(rest);
    else if (word === "end") end = rest!;
    else steps = Number(rest);
    if (word === "step" && steps === killAt) child.kill("SIGKILL");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve({ after, steps, end, errors }));
  });
}

describe("a training that is killed", () => {
  it("goes on from its last checkpoint, again and again, to the very weights and curve of one that never stopped", async () => {
    const whole = await runTrainer(join(folder, "whole.safetensors"), 0);
    expect(whole.end, whole.errors).not.toBeNull();
    const random = createRandom(Date.now() % 1000, "kills");
    const broken = join(folder, "broken.safetensors");
    const kills = [1 + random.below(12), 13 + random.below(Math.floor(whole.steps / 2)), Math.floor(whole.steps * 0.9)];
    let last = 0;
    for (const killAt of kills) {
      const killed = await runTrainer(broken, killAt);
      expect(killed.end, killed.errors).toBeNull();
      // Of the checkpoint before the step at which it was told of being killed, or a later one: it runs on for an instant.
      expect(killed.after % 7, `kills at ${kills}`).toBe(0);
      expect(killed.after).toBeGreaterThanOrEqual(Math.floor((last - 1) / 7) * 7);
      last = killed.steps;
    }
    const finished = await runTrainer(broken, 0);
    expect(finished.errors).toBe("");
    expect(finished.after).toBeGreaterThan(0);
    expect(finished.end, `kills at ${kills}`).toBe(whole.end);
    expect((await readdir(folder)).filter((name) => name.startsWith("broken"))).toEqual([]);
  });
});
