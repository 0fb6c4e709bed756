/**
 * The trees that images hold as /app, in .image/<name>/app: `runtime`, compiled, and `dev`, as it is written. Made by `npm run image` outside, and inside the build where
 * that has a network: the same steps.
 */

import { spawnSync } from "node:child_process";
import { cpSync, lstatSync, lutimesSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readEnvironment } from "#libs/config/environment.ts";
import { buildTree } from "../build-tree.ts";
import { copyPackages } from "./copy-packages.ts";
import { licenceDocument } from "./licences.ts";
import { imagePlatform, missingPackages, productionPackages } from "./packages.ts";
import { sbomOf } from "./sbom.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export const treeNames = ["runtime", "dev"] as const;
export type TreeName = (typeof treeNames)[number];

/** TypeScript's loader, which the compiled tree does not need. */
const loader = "tsx";

const sourceFolders = ["libs", "services", "protos"] as const;
const sourceFiles = ["tsconfig.json"] as const;

/** npm's names of what the binaries beside are for; services/cli/platform.ts holds the machine against it. */
const platformFields = { os: [imagePlatform.os], cpu: [imagePlatform.cpu], libc: [imagePlatform.libc] };

/** Of the last commit, so that two builds of one commit have the same files; SOURCE_DATE_EPOCH where it is set. */
export function sourceSeconds(): number {
  const set = readEnvironment().SOURCE_DATE_EPOCH;
  if (set !== undefined) return Number(set);
  const { status, stdout } = spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" });
  return status === 0 ? Number(stdout.trim()) : 0;
}

function setTimes(folder: string, seconds: number): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (lstatSync(path).isDirectory()) setTimes(path, seconds);
    else lutimesSync(path, seconds, seconds);
  }
  lutimesSync(folder, seconds, seconds);
}

async function fill(name: TreeName, folder: string): Promise<void> {
  if (name === "runtime") {
    await buildTree(folder, platformFields);
    return;
  }
  for (const path of [...sourceFolders, ...sourceFiles]) {
    cpSync(join(root, path), join(folder, path), { recursive: true, filter: (file) => !/\.test\.ts$/.test(file) });
  }
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as object;
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ ...own, ...platformFields }, null, 2)}\n`);
}

/** Answers the context of the build: the tree in `app`, and `home`, an empty folder. @throws naming packages that are not installed. */
export async function makeTree(name: TreeName): Promise<string> {
  const context = join(root, ".image", name);
  const folder = join(context, "app");
  const packages = productionPackages(root, imagePlatform, name === "runtime" ? [loader] : []);
  const missing = missingPackages(root, packages);
  if (missing.length > 0) {
    throw new Error(
      `not in node_modules: ${missing.join(", ")}; images are for ${imagePlatform.os}-${imagePlatform.cpu} with ${imagePlatform.libc}, run \`npm install\` on that`,
    );
  }
  rmSync(context, { recursive: true, force: true });
  for (const inner of ["app", "home"]) mkdirSync(join(context, inner), { recursive: true });
  await fill(name, folder);
  copyPackages(root, packages, folder);
  const seconds = sourceSeconds();
  writeFileSync(join(folder, "sbom.cdx.json"), sbomOf(root, packages, seconds));
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  writeFileSync(join(folder, "licences.md"), licenceDocument(root));
  setTimes(context, seconds);
  return context;
}
