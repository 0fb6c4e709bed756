/** How our own files are started in threads and processes: TypeScript by tsx, the compiled tree (scripts/build-tree.ts) as it is. */

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";

/** Of our files where they run. */
export const codeExtension = import.meta.url.endsWith(".js") ? ".js" : ".ts";

/** Path of a part of tsx: the working folder of a process may be any. */
const tsxPath = (part: string): string => createRequire(import.meta.url).resolve(part);

/** Arguments of Node before a file of ours. */
export function loaderArguments(): string[] {
  return codeExtension === ".js" ? [] : ["--import", pathToFileURL(tsxPath("tsx")).href];
}

/** A thread that runs a file of ours. tsx is handed down by neither test runners nor Node: a line of plain JavaScript registers it first. */
export function startThread(entry: URL, options: WorkerOptions): Worker {
  if (codeExtension === ".js") return new Worker(entry, { ...options, execArgv: [] });
  // `require.resolve` names the CommonJS form, whose own look-ups fail inside a worker; the module stands beside it.
  const loader = pathToFileURL(tsxPath("tsx/esm/api").replace(/\.cjs$/, ".mjs")).href;
  const code = `import(${JSON.stringify(loader)}).then((tsx) => { tsx.register(); return import(${JSON.stringify(entry.href)}); })`;
  return new Worker(code, { ...options, eval: true, execArgv: [] });
}
