/** Processes that a bench starts: they end with it, however it ends but by SIGKILL. */

import { type ChildProcess, execFile } from "node:child_process";
import { promisify } from "node:util";
import { root } from "./bench.ts";

/** Ends the child when this process does. */
export function tie(child: ChildProcess): void {
  const end = (): void => void child.kill("SIGTERM");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
}

/** Without a handler a signal would end this process without its "exit". */
export function exitOnSignals(): void {
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
}

/** Standard output of a script of this folder that ran to its end. */
export async function runScript(file: string, args: readonly string[]): Promise<string> {
  const run = promisify(execFile)(process.execPath, ["--import", "tsx", file, ...args], { cwd: root, maxBuffer: 1 << 24 });
  tie(run.child);
  return (await run).stdout;
}
