/** Copies packages of node_modules into a tree, without what running on one platform needs not. */

import { cpSync, lstatSync, mkdirSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { LockedPackage } from "./packages.ts";

/** Types, maps, sources of addons and documents; licences, notices and package.json always stay. */
const dropped = /\.(ts|mts|cts|map|flow|md|markdown|c|cc|cpp|h|hpp|gyp|gypi|rs|swift|go|tsbuildinfo)$/i;
const kept = /^(licen[cs]e|notice|copying|third-?party)/i;

/** Binaries for other platforms, and what only building an addon reads, by package. Paths inside it. */
const foreign: Readonly<Record<string, RegExp>> = {
  "onnxruntime-node": /^bin\/napi-v\d+\/(darwin|win32|linux\/arm64)(\/|$)|^script\//,
  usearch: /^prebuilds\/(?!linux-x64\/).|^(c|cmake|cpp|csharp|golang|include|java|numkong|objc|python|rust|simsimd|swift|wasm)\//,
  "@lmdb/lmdb-linux-x64": /\.musl\.node$/,
  lmdb: /^(dependencies|src|test)\//,
  msgpackr: /^dist\/(test|unbundled)/,
  rxjs: /^(src|dist\/(bundles|esm|esm5|types))\//,
  zod: /^src\//,
};

function wanted({ name }: LockedPackage, path: string, isFolder: boolean): boolean {
  const word = basename(path);
  if (path === "node_modules" || (isFolder && /^(test|tests|__tests__|\.github)$/.test(word))) return false;
  if (foreign[name]?.test(isFolder ? `${path}/` : path)) return false;
  return isFolder || kept.test(word) || !dropped.test(word);
}

export function copyPackages(root: string, packages: readonly LockedPackage[], tree: string): void {
  for (const one of packages) {
    const from = join(root, one.path);
    const to = join(tree, one.path);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to, {
      recursive: true,
      filter: (path) => path === from || wanted(one, relative(from, path), lstatSync(path).isDirectory()),
    });
  }
}
