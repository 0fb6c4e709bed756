/** The packages that a tree of an image holds: what the production dependencies need on its platform, from the lockfile. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

export interface Platform {
  readonly os: string;
  readonly cpu: string;
  readonly libc: string;
}

export const imagePlatform: Platform = { os: "linux", cpu: "x64", libc: "glibc" };

const names = z.record(z.string(), z.string()).default({});
const lockEntry = z.object({
  version: z.string().optional(),
  license: z.string().optional(),
  dependencies: names,
  optionalDependencies: names,
  os: z.array(z.string()).optional(),
  cpu: z.array(z.string()).optional(),
  libc: z.array(z.string()).optional(),
});
const lockFile = z.object({ packages: z.record(z.string(), lockEntry) });

type LockEntry = z.infer<typeof lockEntry>;

export interface LockedPackage {
  /** Path from the root, such as "node_modules/a/node_modules/b". */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** As it writes it; empty where it says none. */
  readonly licence: string;
}

/** As npm reads these lists: "!x" forbids, any other names what is allowed. */
function allows(list: readonly string[] | undefined, word: string): boolean {
  if (list === undefined) return true;
  if (list.includes(`!${word}`)) return false;
  const allowed = list.filter((entry) => !entry.startsWith("!"));
  return allowed.length === 0 || allowed.includes(word);
}

const runsOn = ({ os, cpu, libc }: LockEntry, platform: Platform): boolean =>
  allows(os, platform.os) && allows(cpu, platform.cpu) && allows(libc, platform.libc);

/** Where Node finds a package from inside another: the nearest node_modules upwards. */
function resolve(packages: Readonly<Record<string, LockEntry>>, from: string, name: string): string | null {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    const path = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (path in packages) return path;
    if (folder === "") return null;
  }
}

/**
 * All packages that the production dependencies reach, in the order of their paths, less `without` and what only they need.
 * @throws naming a package that the lockfile lacks.
 */
export function productionPackages(root: string, platform: Platform, without: readonly string[] = []): LockedPackage[] {
  const { packages } = lockFile.parse(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")));
  const found = new Map<string, LockedPackage>();
  const queue: { readonly from: string; readonly name: string; readonly optional: boolean }[] = [];
  const enqueue = (from: string, { dependencies, optionalDependencies }: LockEntry): void => {
    for (const name of Object.keys(dependencies)) queue.push({ from, name, optional: name in optionalDependencies });
    for (const name of Object.keys(optionalDependencies)) queue.push({ from, name, optional: true });
  };
  enqueue("", packages[""]!);
  for (const { from, name, optional } of queue) {
    if (from === "" && without.includes(name)) continue;
    const path = resolve(packages, from, name);
    const entry = path === null ? undefined : packages[path];
    if (path === null || entry === undefined || !runsOn(entry, platform)) {
      if (optional) continue;
      throw new Error(`the lockfile has no ${name} for ${platform.os}-${platform.cpu}, which ${from === "" ? "package.json" : from} needs`);
    }
    if (found.has(path)) continue;
    found.set(path, { path, name, version: entry.version ?? "", licence: entry.license ?? "" });
    enqueue(path, entry);
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Those that are not in node_modules: it was installed on another platform, or not at all. */
export function missingPackages(root: string, packages: readonly LockedPackage[]): string[] {
  return packages.filter(({ path }) => !existsSync(join(root, path, "package.json"))).map(({ name }) => name);
}
