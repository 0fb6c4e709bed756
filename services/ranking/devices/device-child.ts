/** The parent's end of a device's process. */

import { type ChildProcess, fork } from "node:child_process";
import { readEnvironment } from "#libs/config/environment.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { loaderArguments } from "#libs/core/own-code.ts";
import type { Feeds, Sizes } from "#libs/graph/executors/session.ts";
import type { DeviceNetwork, FromDevice, ToDevice } from "./messages.ts";
import type { ChildDevice } from "./settings.ts";

export interface ChildOptions {
  readonly device: ChildDevice;
  readonly network: DeviceNetwork;
  /** In the place of `open-network.ts`: a stand-in of tests. */
  readonly module: URL | null;
  /** Ends the process while it starts. */
  readonly signal: AbortSignal;
}

type Outputs = Readonly<Record<string, Float32Array>>;

interface Pending {
  readonly resolve: (outputs: Outputs) => void;
  readonly reject: (cause: ModisteError) => void;
}

/** Milliseconds that a process which was told to end may take. */
const closeLimitMs = 1000;

const worker = new URL("./device-worker.ts", import.meta.url);

/** Throws `unavailable` where the system gives no process. */
function forkWorker(): ChildProcess {
  try {
    return fork(worker, [], {
      execArgv: loaderArguments(),
      serialization: "advanced",
      // Standard output is for what commands answer.
      stdio: ["ignore", 2, "inherit", "ipc"],
      // Cards round the factors of products to ten bits by default, which the CPU does not; TensorFlow tells of every library that it finds.
      env: { ...readEnvironment(), NVIDIA_TF32_OVERRIDE: "0", TF_CPP_MIN_LOG_LEVEL: "2" },
    });
  } catch (cause) {
    throw unavailable(`its process cannot be started: ${(cause as Error).message}`);
  }
}

const unavailable = (what: string): ModisteError => new ModisteError("unavailable", "device_lost", what);

export class DeviceChild {
  /** Resolves when the process is gone, with how. */
  readonly ended: Promise<string>;
  readonly #process = forkWorker();
  /** Runs under way, by id. */
  readonly #pending = new Map<number, Pending>();
  /** 0 is the opening. */
  #count = 0;

  private constructor() {
    this.#process.on("message", (message: FromDevice) => this.#hear(message));
    this.ended = new Promise((resolve) => {
      // Where it could not even be started there is no "exit".
      this.#process.once("error", ({ message }) => resolve(message));
      this.#process.once("exit", (code, signal) => resolve(signal ?? `code ${code}`));
    });
    void this.ended.then((how) => {
      for (const { reject } of this.#pending.values()) reject(unavailable(`its process ended (${how})`));
      this.#pending.clear();
    });
  }

  /**
   * Throws `unavailable` where the process ends, `failed_precondition` with the device's own words where it refuses; then it is gone. The signal kills it
   * until it is released.
   */
  static async open({ device, network, module, signal }: ChildOptions): Promise<DeviceChild> {
    const child = new DeviceChild();
    signal.addEventListener("abort", child.kill);
    if (signal.aborted) child.kill();
    try {
      await child.#ask((id) => ({ kind: "open", id, device, module: module?.href ?? null, network }));
      return child;
    } catch (cause) {
      await child.close();
      throw cause;
    }
  }

  release(signal: AbortSignal): void {
    signal.removeEventListener("abort", this.kill);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Throws `unavailable` when the process ends before it answers, `failed_precondition` with the device's own words where it fails. */
  run(feeds: Feeds, sizes: Sizes): Promise<Outputs> {
    return this.#ask((id) => ({ kind: "run", id, feeds, sizes }));
  }

  readonly kill = (): void => {
    this.#process.kill("SIGKILL");
  };

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    const force = setTimeout(() => this.kill(), closeLimitMs);
    if (this.#process.connected) this.#process.disconnect();
    await this.ended;
    clearTimeout(force);
  }

  #ask(message: (id: number) => ToDevice): Promise<Outputs> {
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      // Without a process there is no channel either.
      if (!this.#process.connected) {
        reject(unavailable("its process cannot be reached"));
        return;
      }
      this.#pending.set(id, { resolve, reject });
      this.#process.send(message(id), (error) => {
        if (error) this.#settle(id, ({ reject: refuse }) => refuse(unavailable(`it cannot be reached: ${error.message}`)));
      });
    });
  }

  #hear(message: FromDevice): void {
    this.#settle(message.id, ({ resolve, reject }) => {
      if (message.kind === "done") resolve(message.outputs);
      else reject(new ModisteError("failed_precondition", "device_failed", message.why));
    });
  }

  #settle(id: number, settle: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending) settle(pending);
  }
}
