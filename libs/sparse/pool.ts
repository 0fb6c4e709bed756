/** Worker threads for the heavy loops of a fit: one pool for one job, over memory that all workers share. */

import { existsSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Worker } from "node:worker_threads";
import { ModisteError } from "#libs/core/errors.ts";
import { startThread } from "#libs/core/own-code.ts";
import { throwIfAborted } from "#libs/sparse/pace.ts";

export interface WorkerSetup {
  readonly module: string;
  readonly input: unknown;
}
export interface ToWorker {
  readonly id: number;
  readonly task: unknown;
}
export interface FromWorker {
  readonly id: number;
  readonly result: unknown;
  readonly failure: string | undefined;
}

export interface PoolOptions<Input, Task, Result> {
  /** Workers; the caller's thread stays free. 0: no worker, tasks run on the caller's thread, one a turn of the event loop. */
  readonly threads: number;
  /** The file that exports `open`; every worker imports it. Give `new URL("./x-worker.ts", import.meta.url)`. */
  readonly module: URL;
  /** The same function, for when the file cannot be found (a bundle): then as with 0 threads. */
  readonly open: (input: Input) => (task: Task) => Result;
  /** Copied to every worker; shared memory is shared. */
  readonly input: Input;
  readonly signal: AbortSignal;
}

export interface Pool<Task, Result> {
  /** How many tasks run at once. */
  readonly threads: number;
  /** Tasks start in the order of their calls. Throws `cancelled` once the signal is aborted, `internal` when the task throws. */
  run(task: Task): Promise<Result>;
  /** Ends the workers; what still waits is refused as `cancelled`. */
  close(): Promise<void>;
}

interface Waiting {
  readonly id: number;
  readonly task: unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Starts the workers (some 0.1 to 0.5 s each, in parallel; tasks may be given at once). Close it in a `finally`. */
export function createPool<Input, Task, Result>(options: PoolOptions<Input, Task, Result>): Pool<Task, Result> {
  throwIfAborted(options.signal);
  const entry = new URL("./worker.ts", import.meta.url);
  if (options.threads === 0 || !isFile(entry) || !isFile(options.module)) return createInlinePool(options);
  const setup: WorkerSetup = { module: options.module.href, input: options.input };
  const workers = Array.from({ length: options.threads }, () => startThread(entry, { workerData: setup }));
  return createWorkerPool<Task, Result>(workers, options.signal);
}

function isFile(url: URL): boolean {
  return url.protocol === "file:" && existsSync(fileURLToPath(url));
}

function createInlinePool<Input, Task, Result>(options: PoolOptions<Input, Task, Result>): Pool<Task, Result> {
  const work = options.open(options.input);
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();
  const once = async (task: Task): Promise<Result> => {
    await setImmediate();
    throwIfAborted(options.signal);
    if (closed) throw closedError();
    return work(task);
  };
  return {
    threads: 1,
    run: (task) => {
      const result = last.then(() => once(task));
      last = result.catch(() => undefined);
      return result;
    },
    close: async () => {
      closed = true;
      await last;
    },
  };
}

const closedError = (cause?: unknown): ModisteError => new ModisteError("cancelled", "cancelled", "the pool was closed", { cause });

function createWorkerPool<Task, Result>(workers: readonly Worker[], signal: AbortSignal): Pool<Task, Result> {
  const idle = [...workers];
  const queue: Waiting[] = [];
  const running = new Map<Worker, Waiting>();
  let ended: ModisteError | undefined;
  let nextId = 0;

  const end = (error: ModisteError): void => {
    ended ??= error;
    for (const waiting of [...running.values(), ...queue.splice(0)]) waiting.reject(ended);
    running.clear();
  };
  const stop = async (error: ModisteError): Promise<void> => {
    end(error);
    signal.removeEventListener("abort", onAbort);
    await Promise.all(workers.map((worker) => worker.terminate()));
  };
  const onAbort = (): void => {
    stop(closedError(signal.reason)).catch(() => undefined);
  };
  const dispatch = (): void => {
    while (queue.length > 0 && idle.length > 0) {
      const worker = idle.shift()!;
      const waiting = queue.shift()!;
      running.set(worker, waiting);
      const message: ToWorker = { id: waiting.id, task: waiting.task };
      worker.postMessage(message);
    }
  };
  const answered = (worker: Worker, answer: FromWorker): void => {
    const waiting = running.get(worker);
    if (waiting === undefined) return;
    running.delete(worker);
    idle.push(worker);
    if (answer.failure === undefined) waiting.resolve(answer.result);
    else waiting.reject(new ModisteError("internal", "worker_failed", "a task failed in a worker", { cause: answer.failure }));
    dispatch();
  };
  for (const worker of workers) {
    worker.on("message", (answer: FromWorker) => answered(worker, answer));
    worker.on("error", (cause) => {
      stop(new ModisteError("internal", "worker_died", "a worker thread died", { cause })).catch(() => undefined);
    });
  }
  signal.addEventListener("abort", onAbort, { once: true });
  return {
    threads: workers.length,
    run: (task) =>
      new Promise<Result>((resolve, reject) => {
        if (ended !== undefined) {
          reject(ended);
          return;
        }
        queue.push({ id: nextId++, task, resolve: (result) => resolve(result as Result), reject });
        dispatch();
      }),
    close: () => stop(closedError()),
  };
}

/** Events below which starting a worker (0.3 s and more) costs more than it saves. */
const eventsPerPoolMin = 100_000;

/** Threads for a fit over so many events: 0 for a small one. */
export function threadsFor(events: number, threads: number): number {
  return events < eventsPerPoolMin ? 0 : Math.max(1, threads);
}

/** Arrays of zeros in memory that workers share without a copy. */
export function sharedFloat32(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * 4));
}
export function sharedInt32(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * 4));
}
