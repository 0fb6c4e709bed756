/** A network on a device, with the same network on the CPU beside it: what the device does not answer, the CPU does. */

import type { Clock } from "#libs/core/clock.ts";
import { ModisteError, toModisteError } from "#libs/core/errors.ts";
import type { Feeds, Session, Sizes } from "#libs/graph/executors/session.ts";
import { checkDevice } from "./check.ts";
import { type ChildOptions, DeviceChild } from "./device-child.ts";

/** Why the device did not answer a run: late, its process ended, it threw. */
export type Miss = "late" | "ended" | "failed";

/** Told what happens; metrics and log in serving. */
export interface DeviceWatcher {
  /** A process is checked and answers from now on. */
  ready(): void;
  /** A process that was ready is gone; the next one starts after so many milliseconds, or never: it was closed. */
  lost(how: string, pauseMs: number | null): void;
  /** A process did not become ready; the next one starts after so many milliseconds, or never. */
  refused(cause: ModisteError, pauseMs: number | null): void;
  answered(by: "device" | "cpu"): void;
  missed(why: Miss): void;
}

export interface DeviceLimits {
  /** From fork to the open network: the first start on a card may compile for a minute. */
  readonly openMs: number;
  /** Of one run; then the CPU answers. */
  readonly runMs: number;
  /** Of one run; then the process hangs and is killed. */
  readonly hangMs: number;
  /** Pauses before a new process: the first, each twice the one before, up to the longest; the first again after a process that lived so long. */
  readonly restartMs: { readonly first: number; readonly longest: number; readonly calmAfter: number };
}

export const deviceLimits: DeviceLimits = {
  openMs: 120_000,
  runMs: 40,
  hangMs: 5000,
  restartMs: { first: 500, longest: 60_000, calmAfter: 60_000 },
};

export interface DeviceOptions extends Omit<ChildOptions, "signal"> {
  /** Closed with the device. */
  readonly cpu: Session;
  /** Rows whose scores must be the CPU's. */
  readonly golden: { readonly feeds: Feeds; readonly rows: number };
  readonly limits: DeviceLimits;
  readonly watcher: DeviceWatcher;
  readonly clock: Clock;
}

type Outputs = Readonly<Record<string, Float32Array>>;

export class DeviceSession implements Session {
  readonly executor: string;
  readonly #options: DeviceOptions;
  readonly #stop = new AbortController();
  #child: DeviceChild | null = null;
  /** Runs that the child owes although their callers went to the CPU: meanwhile nobody asks it. */
  #owed = 0;
  #failures = 0;
  #restart: NodeJS.Timeout | undefined;
  #starting: Promise<void> = Promise.resolve();

  constructor(options: DeviceOptions) {
    this.executor = options.device;
    this.#options = options;
  }

  /** The process that answers at present; undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Throws what refuses the device for good: `failed_precondition` or `unavailable`; the CPU's session is left open then. */
  async start(): Promise<void> {
    this.#serve(await this.#openChecked());
  }

  async #openChecked(): Promise<DeviceChild> {
    const { cpu, golden, limits } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(limits.openMs)]);
    try {
      const child = await DeviceChild.open({ ...this.#options, signal });
      try {
        await checkDevice(child, cpu, golden);
      } catch (cause) {
        await child.close();
        throw cause;
      }
      child.release(signal);
      return child;
    } catch (cause) {
      if (!signal.aborted) throw cause;
      throw new ModisteError("unavailable", "device_late", `it was not ready after ${limits.openMs} ms`, { cause });
    }
  }

  #serve(child: DeviceChild): void {
    const { watcher, clock, limits } = this.#options;
    const since = clock.monotonicMs();
    this.#child = child;
    watcher.ready();
    void child.ended.then((how) => {
      this.#child = null;
      if (clock.monotonicMs() - since > limits.restartMs.calmAfter) this.#failures = 0;
      watcher.lost(how, this.#stop.signal.aborted ? null : this.#startLater());
    });
  }

  /** The pause in milliseconds. */
  #startLater(): number {
    const { first, longest } = this.#options.limits.restartMs;
    const pauseMs = Math.min(longest, first * 2 ** this.#failures++);
    this.#restart = setTimeout(() => {
      this.#starting = this.#startAgain();
    }, pauseMs);
    this.#restart.unref();
    return pauseMs;
  }

  /** A card that a crash left behind may need a while, so whatever fails is tried again; but not one that scores otherwise than before. */
  async #startAgain(): Promise<void> {
    try {
      this.#serve(await this.#openChecked());
    } catch (cause) {
      if (this.#stop.signal.aborted) return;
      const error = toModisteError(cause);
      this.#options.watcher.refused(error, error.reason === "device_differs" ? null : this.#startLater());
    }
  }

  /** Throws what the CPU's session throws. */
  async run(feeds: Feeds, sizes: Sizes = {}): Promise<Outputs> {
    const { cpu, watcher } = this.#options;
    const child = this.#child;
    const found = child === null || this.#owed > 0 ? null : await this.#ask(child, feeds, sizes);
    watcher.answered(found ? "device" : "cpu");
    return found ?? cpu.run(feeds, sizes);
  }

  /** Null when the device does not answer in time. */
  async #ask(child: DeviceChild, feeds: Feeds, sizes: Sizes): Promise<Outputs | null> {
    const { limits, watcher } = this.#options;
    const answer = child.run(feeds, sizes).catch((cause: unknown) => {
      watcher.missed(toModisteError(cause).reason === "device_lost" ? "ended" : "failed");
      return null;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, limits.runMs, "late");
    });
    const first = await Promise.race([answer, late]);
    clearTimeout(timer);
    if (first !== "late") return first;
    watcher.missed("late");
    this.#owed++;
    const hang = setTimeout(() => child.kill(), limits.hangMs);
    void answer.then(() => {
      clearTimeout(hang);
      this.#owed--;
    });
    return null;
  }

  /** Runs under way have ended. Resolves when no process is left. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#restart);
    await this.#starting;
    await this.#child?.close();
    await this.#options.cpu.close();
  }
}
