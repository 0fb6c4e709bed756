/** A digest of the code that makes lists: recorded runs of other code are not taken for its own. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Folders whose sources decide what is listed: models and their defaults, features, the pipeline, splits, training. */
const folders = [
  ...["catalog", "core", "data", "events", "features", "graph", "models", "pipeline", "release", "serve", "sparse"].map(
    (name) => `libs/${name}`,
  ),
  ...["popularity", "itemcf", "lightgcn", "content", "ranking", "gateway", "cli/training", "cli/experiment"].map(
    (name) => `services/${name}`,
  ),
];

/** What shows results and changes no list. */
const apart = /\.(test|fixture)\.ts$|(^|\/)(report|synth|importers|http|web)\/|summary\.ts$|execute\.ts$|export-lists\.ts$/;

/** 16 hex digits over the sources; the same for the same code, wherever it lies. */
export function codeDigest(): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    for (const name of names.filter((file) => /\.(ts|wasm)$/.test(file) && !apart.test(file)).sort()) {
      hash.update(name).update(readFileSync(join(root, folder, name)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}
