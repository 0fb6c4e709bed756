/** The software bill of materials of a tree: npm's CycloneDX document, less the packages that the tree leaves out. */

import { execFileSync } from "node:child_process";
import { z } from "zod";
import type { LockedPackage } from "./packages.ts";

const component = z.looseObject({ "bom-ref": z.string(), name: z.string(), version: z.string() });
const dependency = z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).default([]) });
const document = z.looseObject({
  metadata: z.looseObject({ component: z.looseObject({ "bom-ref": z.string() }) }),
  components: z.array(component),
  dependencies: z.array(dependency),
});

/** The same for the same commit: npm's number and time of the document are left out, or are those of the commit. */
export function sbomOf(root: string, packages: readonly LockedPackage[], seconds: number): string {
  // Not `--omit dev`: npm leaves out what development needs too.
  const words = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];
  const text = execFileSync("npm", words, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "ignore"] });
  const { serialNumber: _, metadata, components, dependencies, ...rest } = document.parse(JSON.parse(text));
  const held = new Set(packages.map(({ name, version }) => `${name}@${version}`));
  const inTree = components.filter(({ name, version }) => held.has(`${name}@${version}`));
  const missing = held.size - new Set(inTree.map(({ name, version }) => `${name}@${version}`)).size;
  if (missing > 0) throw new Error(`npm's bill of materials lacks ${missing} packages of the tree`);
  const references = new Set([metadata.component["bom-ref"], ...inTree.map((one) => one["bom-ref"])]);
  const kept = dependencies.filter(({ ref }) => references.has(ref));
  const arrows = kept.map((one) => ({ ...one, dependsOn: one.dependsOn.filter((ref) => references.has(ref)) }));
  // npm names the root by its folder.
  const own = { ...metadata.component, name: "modiste", type: "application" };
  const about = { ...metadata, timestamp: new Date(seconds * 1000).toISOString(), component: own };
  return `${JSON.stringify({ ...rest, metadata: about, components: inTree, dependencies: arrows }, null, 2)}\n`;
}
