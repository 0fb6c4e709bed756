import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Session } from "#libs/graph/executors/executor.ts";
import { command, openCpu, openTestDevice, rowsOf } from "./device.fixture.ts";
import type { DeviceSession, DeviceWatcher } from "./device-session.ts";

/** Writes down what a device tells, and wakes who waits for it. */
class Notes implements DeviceWatcher {
  readonly counts = new Map<string, number>();
  readonly #waiting = new Map<string, () => void>();

  #note(word: string): void {
    this.counts.set(word, this.count(word) + 1);
    this.#waiting.get(word)?.();
  }

  count(word: string): number {
    return this.counts.get(word) ?? 0;
  }

  /** Resolves when the word comes next. */
  next(word: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(word, resolve));
  }

  ready = () => this.#note("ready");
  lost = (how: string, pauseMs: number | null) => this.#note(pauseMs === null ? "closed" : `lost ${how}`);
  refused = ({ reason }: { reason: string }, pauseMs: number | null) =>
    this.#note(`refused ${reason}${pauseMs === null ? " for good" : ""}`);
  answered = (by: string) => this.#note(by);
  missed = (why: string) => this.#note(why);
}

let folder: string;
let file: string;
let cpu: Session;
let notes: Notes;
let device: DeviceSession | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modiste-device-"));
  file = join(folder, "network.onnx");
  cpu = await openCpu(file);
  notes = new Notes();
  device = null;
});

afterEach(async () => {
  await device?.close();
  await cpu.close();
  await rm(folder, { recursive: true, force: true });
});

const scoresOf = async (session: Session, request: number): Promise<number[]> => [
  ...(await session.run(rowsOf((request % 7) + 1, request))).scores!,
];

/** Many requests at once; each has its own scores. */
async function expectScores(session: Session, count = 64): Promise<void> {
  const requests = Array.from({ length: count }, (_, request) => request);
  const found = await Promise.all(requests.map((request) => scoresOf(session, request)));
  for (const request of requests) expect(found[request]).toEqual(await scoresOf(cpu, request));
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a device in its process", () => {
  it("answers with its own scores while it lives", async () => {
    device = await openTestDevice(file, { watcher: notes });
    await expectScores(device);
    expect([...notes.counts]).toEqual([
      ["ready", 1],
      ["device", 64],
    ]);
  });

  it("fails no request when it dies of SIGSEGV under load, again and again, and comes back", async () => {
    device = await openTestDevice(file, { watcher: notes });
    const pids = new Set([device.pid]);
    for (let round = 0; round < 2; round++) {
      const again = notes.next("ready");
      await command(file, "crash");
      await expectScores(device);
      await expectScores(device);
      await again;
      pids.add(device.pid);
      await expectScores(device);
    }
    expect(pids.size).toBe(3);
    expect(notes.count("lost SIGSEGV")).toBe(2);
    expect(notes.count("ended")).toBeGreaterThan(0);
    expect(notes.count("device") + notes.count("cpu")).toBe(6 * 64);
    expect(notes.count("device")).toBeGreaterThanOrEqual(2 * 64);
  });

  it("is waited for no longer than the limit, left alone while it owes an answer, and killed when it hangs", async () => {
    device = await openTestDevice(file, { watcher: notes, limits: { runMs: 20, hangMs: 60 } });
    const [lost, again] = [notes.next("lost SIGKILL"), notes.next("ready")];
    await command(file, "hang");
    await expectScores(device);
    expect(notes.count("late")).toBeGreaterThan(0);
    await lost;
    await again;
  });

  it("is refused when its scores are not the CPU's, at the start and after a crash", async () => {
    await command(file, "wrong");
    await expect(openTestDevice(file, { watcher: notes })).rejects.toMatchObject({
      code: "failed_precondition",
      reason: "device_differs",
      message: expect.stringMatching(/scores of golden row 0 of 5 is .*, the CPU's is .* \(tolerance 0.001\)/),
    });
    await rm(`${file}.command`);
    device = await openTestDevice(file, { watcher: notes });
    const refused = notes.next("refused device_differs for good");
    await command(file, "crash", "wrong");
    await expectScores(device, 1);
    await refused;
    await expectScores(device);
    expect(device.pid).toBeUndefined();
  });

  it("is refused in its own words when it cannot open the network, or not in time", async () => {
    await command(file, "missing");
    await expect(openTestDevice(file)).rejects.toMatchObject({ message: expect.stringContaining("library is not installed") });
    await expect(openTestDevice(file, { limits: { openMs: 1 } })).rejects.toMatchObject({ reason: "device_late" });
  });

  it("tries again after a start that failed, since a card may need a while", async () => {
    device = await openTestDevice(file, { watcher: notes });
    const failed = notes.next("refused device_failed");
    await command(file, "crash", "missing");
    await expectScores(device, 1);
    await failed;
    const again = notes.next("ready");
    await rm(`${file}.command`);
    await again;
    await expectScores(device);
  });

  it("leaves no process behind when it is closed, whether it answers, hangs or starts", async () => {
    for (const word of [null, "hang", "crash"] as const) {
      const own = await openTestDevice(file, { watcher: notes, limits: { runMs: 20 } });
      const pid = own.pid!;
      if (word) await command(file, word);
      await expectScores(own, 2);
      await own.close();
      expect(isAlive(pid), word ?? "answers").toBe(false);
      expect(own.pid).toBeUndefined();
    }
  });

  it("ends when its parent is killed, even while it hangs", async () => {
    for (const word of [null, "hang"] as const) {
      const script = fileURLToPath(new URL("./orphan-parent.fixture.ts", import.meta.url));
      const parent = spawn(process.execPath, ["--import", "tsx", script, file], { stdio: ["pipe", "pipe", "pipe"] });
      const [line] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(line.toString());
      expect(isAlive(pid)).toBe(true);
      if (word) {
        await command(file, word);
        parent.stdin.write("run\n");
        await once(parent.stdout, "data");
      }
      // The device has inherited the stream, which ends with the last of the two.
      const ended = once(parent.stderr.resume(), "end");
      parent.kill("SIGKILL");
      await ended;
    }
  });
});
