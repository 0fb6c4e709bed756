/** What a worker of the pool runs: opens the task module it was told, then answers one task after another. */

import { parentPort, workerData } from "node:worker_threads";
import { assert } from "#libs/core/errors.ts";
import type { FromWorker, ToWorker, WorkerSetup } from "#libs/sparse/pool.ts";

const setup = workerData as WorkerSetup;
const port = parentPort;
assert(port !== null, "worker.ts must run inside a worker thread");
const module = (await import(setup.module)) as { open(input: unknown): (task: unknown) => unknown };
const work = module.open(setup.input);
port.on("message", ({ id, task }: ToWorker) => {
  let answer: FromWorker;
  try {
    answer = { id, result: work(task), failure: undefined };
  } catch (error) {
    answer = { id, result: undefined, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  port.postMessage(answer);
});
