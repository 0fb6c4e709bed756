/** Runs the tests of the libraries and one whole answer on every other supported version of Node, brought by the npm package `node`. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readEnvironment } from "#libs/config/environment.ts";

const versions = ["22", "24"].filter((version) => version !== process.versions.node.split(".")[0]);
/** What touches native packages, sockets, workers and wasm. */
const tests = [
  "libs/bus",
  "libs/store",
  "libs/rpc",
  "libs/sparse",
  "libs/release",
  "libs/pipeline",
  "services/content",
  "services/lightgcn",
];
const root = fileURLToPath(new URL("..", import.meta.url));

function run(command: string, words: readonly string[], folder: string, path?: string): void {
  const inherited = readEnvironment();
  const env = path === undefined ? inherited : { ...inherited, PATH: `${path}:${inherited.PATH}` };
  const { status } = spawnSync(command, words, { cwd: folder, stdio: "inherit", env });
  if (status !== 0) throw new Error(`${command} ${words.join(" ")} ended with ${status}`);
}

const folder = mkdtempSync(join(tmpdir(), "modiste-node-"));
try {
  run(
    "npm",
    [
      "install",
      "--prefix",
      folder,
      "--no-audit",
      "--no-fund",
      "--silent",
      ...versions.map((version) => `node${version}@npm:node@${version}`),
    ],
    folder,
  );
  for (const version of versions) {
    const path = join(folder, "node_modules", `node${version}`, "bin");
    run("node", ["--version"], root, path);
    run("node", ["node_modules/vitest/vitest.mjs", "run", ...tests], root, path);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
