/** A root folder of an image, filled with programs of this machine and the libraries that they load. */

import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Absolute paths of the libraries that a program or library loads, the loader itself among them. */
function librariesOf(file: string): string[] {
  const { stdout } = spawnSync("ldd", [file], { encoding: "utf8" });
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path!);
}

/** Copies a file to the same path under the root, links followed. */
function copyTo(root: string, file: string, target = file): void {
  const path = join(root, target);
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  cpSync(realpathSync(file), path);
}

/** A program with its libraries; `target` is where it goes. */
export function addProgram(root: string, file: string, target: string): void {
  copyTo(root, file, target);
  addLibraries(root, [file]);
}

export function addLibraries(root: string, files: readonly string[]): void {
  for (const library of new Set(files.flatMap(librariesOf))) copyTo(root, library);
}

/** What programs look for in any root: users, how names are found, /tmp. */
export function addBasics(root: string, user: string, id: number): void {
  mkdirSync(join(root, "etc"), { recursive: true });
  mkdirSync(join(root, "tmp"), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
  writeFileSync(join(root, "etc/passwd"), `root:x:0:0::/:/bin/false\n${user}:x:${id}:${id}::/:/bin/false\n`);
  writeFileSync(join(root, "etc/group"), `root:x:0:\n${user}:x:${id}:\n`);
  writeFileSync(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
}

/** Path of a command. @throws the Debian package that brings it. */
export function commandPath(command: string, debianPackage: string): string {
  const { stdout } = spawnSync("which", [command], { encoding: "utf8" });
  if (stdout.trim() === "") throw new Error(`no ${command} here; apt-get install ${debianPackage}`);
  return realpathSync(stdout.trim());
}
