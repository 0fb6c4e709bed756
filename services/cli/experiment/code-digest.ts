/** A digest of the code that makes lists: recorded runs of other code are not taken for its own. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { codeExtension } from "#libs/core/own-code.ts";
import { sources } from "../../fleet.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Folders whose files decide what is listed: models and their defaults, features, the pipeline, splits, training; every source of the table. */
const folders = [
  ...["catalog", "core", "data", "events", "features", "graph", "models", "pipeline", "release", "serve", "sparse"].map(
    (name) => `libs/${name}`,
  ),
  ...[...sources.map(({ name }) => name), "ranking", "gateway", "cli/training", "cli/experiment"].map((name) => `services/${name}`),
];

/** What shows results and changes no list. */
const apart = /\.(test|fixture)\.ts$|(^|\/)(report|synth|importers|http|web)\/|(summary|execute|export-lists)\.(ts|js)$/;

/** The table, and the files of the folders: paths from the root. */
export function listMakingFiles(): string[] {
  const inside = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|js|wasm)$/.test(name) && !apart.test(name))
      .sort()
      .map((name) => `${folder}/${name}`),
  );
  return [`services/fleet${codeExtension}`, ...inside];
}

/** 16 hex digits over the files; the same for the same code, wherever it lies. */
export function codeDigest(): string {
  const hash = createHash("sha256");
  for (const path of listMakingFiles()) hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest("hex").slice(0, 16);
}
