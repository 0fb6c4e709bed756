/**
 * A small trained shop for tests that need the whole fleet: made once per machine and state of the code (about 10 s), kept in
 * node_modules/.cache/modiste-test, shared by all test workers. Every caller gets a copy of its own, so that events stay apart.
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { allSources } from "./sources.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cache = join(root, "node_modules/.cache/modiste-test");

/** What a trained shop follows from, files and folders; the table of the fleet and its sources too. A change in any of them makes a new one. */
const origins = [
  "package.json",
  ...["catalog", "core", "data", "events", "features", "graph", "models", "pipeline", "release", "sparse", "store"].map(
    (name) => `libs/${name}`,
  ),
  ...["fleet.ts", ...allSources, "ranking", "gateway/part.ts", "cli/training", "cli/seed-profiles.ts"].map((name) => `services/${name}`),
  "tests/support/make-shop.ts",
];

/** Longest time that making a shop may take; a lock older than this was left behind. */
const makeMsMax = 300_000;
/** Shops of other states of the code are removed after this time. */
const keepMs = 24 * 3_600_000;
const pollMs = 100;

export interface TestShop {
  /** MODISTE_HOME of a fleet; this caller's own, changed freely. */
  readonly home: string;
  /** Id of the release that serves. */
  readonly release: string;
  /** The manifest's golden users: histories of different lengths, spread over the users. */
  readonly userIds: readonly string[];
  /** Settings of a whole fleet in this process on ports that are free. */
  readonly env: Readonly<Record<string, string>>;
  /** Removes this caller's copy. */
  remove(): Promise<void>;
}

/** Makes the shop where there is none. Throws what making it printed when that fails. */
export async function openTestShop(): Promise<TestShop> {
  const made = await sharedShop();
  const home = await mkdtemp(join(tmpdir(), "modiste-shop-"));
  await cp(made, home, { recursive: true });
  const store = openFolderStore(join(home, "releases"));
  const release = await store.current();
  if (release === null) throw new Error(`the shop in ${made} has no release; remove that folder`);
  const { golden } = await store.manifest(release);
  const env = { MODISTE_HOME: home, MODISTE_HTTP_PORT: "0", MODISTE_RPC_PORT: "0", MODISTE_ADMIN_PORT: "0", MODISTE_LOG_LEVEL: "warn" };
  return { home, release, userIds: golden.map(({ user_id }) => user_id), env, remove: () => rm(home, { recursive: true, force: true }) };
}

/** Folder of the shop that all copies are taken from. */
async function sharedShop(): Promise<string> {
  const folder = join(cache, sourceHash());
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const lock = `${folder}.lock`;
  const deadlineMs = performance.now() + 2 * makeMsMax;
  while (!(await takeLock(lock))) {
    if (existsSync(folder)) return folder;
    if (performance.now() > deadlineMs) throw new Error(`waited too long for ${lock}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  try {
    if (!existsSync(folder)) await makeShop(folder);
  } finally {
    await rm(lock, { force: true });
  }
  return folder;
}

/** In a process of its own: training takes all of a thread, and TypeScript workers want tsx. Renamed when it is whole. */
async function makeShop(folder: string): Promise<void> {
  await removeOld();
  const draft = await mkdtemp(join(cache, "draft-"));
  const args = ["--import", "tsx", join(root, "tests/support/make-shop.ts"), draft];
  await promisify(execFile)(process.execPath, args, { cwd: root, timeout: makeMsMax });
  try {
    await rename(draft, folder);
  } catch (error) {
    // Somebody else was faster, after a lock that seemed left behind: theirs is as good.
    if (!existsSync(folder)) throw error;
    await rm(draft, { recursive: true, force: true });
  }
}

async function removeOld(): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (!name.endsWith(".lock") && ageMs(mtimeMs) > keepMs) await rm(path, { recursive: true, force: true });
  }
}

/** One process holds it at a time. A lock whose holder is gone is removed; whoever comes next takes it. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  if (await isLeftBehind(lock)) await rm(lock, { force: true });
  return false;
}

async function isLeftBehind(lock: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(lock);
    const holder = Number(readFileSync(lock, "utf8"));
    // An empty file: its holder is about to write its number.
    return ageMs(mtimeMs) > makeMsMax || (holder > 0 && !isAlive(holder));
  } catch {
    return false;
  }
}

const ageMs = (mtimeMs: number): number => performance.timeOrigin + performance.now() - mtimeMs;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function sourceHash(): string {
  const hash = createHash("sha256");
  for (const path of origins.flatMap(filesOf)) hash.update(path).update(readFileSync(join(root, path)));
  return hash.digest("hex").slice(0, 16);
}

/** The file itself, or the source files below a folder in order of their paths; tests do not count. */
function filesOf(path: string): string[] {
  const full = join(root, path);
  if (statSync(full).isFile()) return [path];
  const names = readdirSync(full, { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => /\.(ts|sql|wasm)$/.test(name) && !name.endsWith(".test.ts"))
    .sort()
    .map((name) => join(path, name));
}
