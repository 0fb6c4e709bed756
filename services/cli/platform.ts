/** Whether the packages' binaries beside this code are for the machine that runs it: an image's tree says in its package.json what it was made for. */

import { readFileSync } from "node:fs";
import { z } from "zod";
import { ModisteError } from "#libs/core/errors.ts";

export interface Platform {
  readonly os: string;
  readonly cpu: string;
  /** "glibc"; "musl" where Linux has none. */
  readonly libc: string;
}

const words = z.array(z.string()).default([]);
/** npm's own fields. Sources name none: npm brought what this machine needs. */
const made = z.object({ os: words, cpu: words, libc: words });

function thisPlatform(): Platform {
  // Without this the report looks up the names of all connections. Node's types of version 20 lack it; older ones ignore it.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return { os: process.platform, cpu: process.arch, libc: header.glibcVersionRuntime === undefined ? "musl" : "glibc" };
}

const named = ({ os, cpu, libc }: Platform): string => (os === "linux" ? `${os}-${cpu} with ${libc}` : `${os}-${cpu}`);

/** @throws failed_precondition naming both, where `packageText` says another platform. */
export function checkPlatform(packageText: string, actual: () => Platform = thisPlatform): void {
  const { os, cpu, libc } = made.parse(JSON.parse(packageText));
  if (os.length + cpu.length + libc.length === 0) return;
  const here = actual();
  const fits = (allowed: readonly string[], word: string): boolean => allowed.length === 0 || allowed.includes(word);
  if (fits(os, here.os) && fits(cpu, here.cpu) && (here.os !== "linux" || fits(libc, here.libc))) return;
  const wanted = named({ os: os[0] ?? here.os, cpu: cpu[0] ?? here.cpu, libc: libc[0] ?? here.libc });
  throw new ModisteError(
    "failed_precondition",
    "wrong_platform",
    `this image holds binaries for ${wanted} and runs on ${named(here)}: give it a base of that platform, or run it with --platform linux/amd64`,
  );
}

/** The same for the tree that this code lies in. */
export function checkOwnPlatform(): void {
  checkPlatform(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
}
