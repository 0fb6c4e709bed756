/** The process of a device: opens one network, answers runs one after the other, ends with its parent. */

import { Worker } from "node:worker_threads";
import { ModisteError } from "#libs/core/errors.ts";
import type { Session } from "#libs/graph/executors/session.ts";
import type { DeviceModule, FromDevice, ToDevice } from "./messages.ts";
import { openNetwork } from "./open-network.ts";

/** Milliseconds between two looks at who the parent is. */
const watchMs = 1000;

/** A main thread that hangs inside a driver sees no channel close: a thread beside it ends the process when somebody else has inherited it. */
function watchParent(): void {
  const code = `const own = process.ppid;
    setInterval(() => process.ppid === own || process.kill(process.pid, "SIGKILL"), ${watchMs});`;
  new Worker(code, { eval: true, execArgv: [] }).unref();
}

type Open = Extract<ToDevice, { readonly kind: "open" }>;

async function open({ device, module, network }: Open): Promise<Session> {
  const opener: DeviceModule = module === null ? { openNetwork } : await import(module);
  return opener.openNetwork(device, network);
}

/** On one line, without the code that the parent gives it. */
function wordsOf(cause: unknown): string {
  const words = cause instanceof ModisteError ? cause.detail : cause instanceof Error ? cause.message : String(cause);
  return words.replace(/\s+/g, " ").trim();
}

/** Messages are answered one after the other: that is the device's queue. */
function serveParent(): void {
  let session: Session | null = null;
  const answer = async (message: ToDevice): Promise<FromDevice> => {
    const { id } = message;
    try {
      if (message.kind === "run") return { id, kind: "done", outputs: await session!.run(message.feeds, message.sizes) };
      session = await open(message);
      return { id, kind: "done", outputs: {} };
    } catch (cause) {
      return { id, kind: "failed", why: wordsOf(cause) };
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  process.on("message", (message: ToDevice) => {
    last = last.then(async () => process.send!(await answer(message)));
  });
}

watchParent();
process.on("disconnect", () => process.exit(0));
// A terminal's signal goes to the whole group: the parent drains first, then closes the channel.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
serveParent();
