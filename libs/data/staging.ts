/** The folder in which an import works until it is complete: `<out>.tmp-<pid>`, renamed at the end, cleaned when left behind. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ModisteError } from "#libs/core/errors.ts";
import { isRunning } from "#libs/core/running.ts";

export interface StagingFolder {
  /** Where files are written until `commit`. */
  readonly dir: string;
  /** Puts the folder in the place of `out`. */
  commit(): void;
  /** Removes what was written; harmless after commit. */
  discard(): void;
}

export interface StagingOptions {
  /** Replace what stands at `out`. */
  readonly force?: boolean;
  /** A file by which a folder is known as ours; another folder is never replaced. */
  readonly marker: string;
}

/** Cleans what dead imports left and makes the working folder. Throws already_exists when `out` stands and `force` is not set. */
export function openStaging(out: string, options: StagingOptions): StagingFolder {
  const target = resolve(out);
  cleanStale(target);
  refuseReplacing(target, options);
  const dir = `${target}.tmp-${process.pid}`;
  mkdirSync(dir, { recursive: true });
  return {
    dir,
    commit: () => {
      const old = `${target}.old-${process.pid}`;
      if (existsSync(target)) renameSync(target, old);
      renameSync(dir, target);
      rmSync(old, { recursive: true, force: true });
    },
    discard: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function refuseReplacing(target: string, options: StagingOptions): void {
  if (!existsSync(target)) return;
  if (!existsSync(join(target, options.marker)) && readdirSync(target).length > 0) {
    throw new ModisteError("already_exists", "out_is_foreign", `${target} exists and holds no ${options.marker}: it is not replaced`);
  }
  if (options.force === true) return;
  if (readdirSync(target).length === 0) return;
  throw new ModisteError("already_exists", "out_exists", `${target} exists; --force replaces it`);
}

/** Removes working folders of processes that are gone, and puts back what one of them had moved away but not replaced. */
function cleanStale(target: string): void {
  const parent = dirname(target);
  if (!existsSync(parent)) return;
  for (const entry of readdirSync(parent)) {
    const match = /^\.(tmp|old)-(\d+)$/.exec(entry.startsWith(basename(target)) ? entry.slice(basename(target).length) : "");
    if (match === null || (Number(match[2]) !== process.pid && isRunning(Number(match[2])))) continue;
    const path = join(parent, entry);
    if (match[1] === "old" && !existsSync(target)) renameSync(path, target);
    else rmSync(path, { recursive: true, force: true });
  }
}
