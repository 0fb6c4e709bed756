/** Programs that outlive the script which starts them: a folder and a pid file each, in the cache of this user. */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readEnvironment } from "#libs/config/environment.ts";

export function cacheFolder(): string {
  return join(readEnvironment().XDG_CACHE_HOME ?? join(homedir(), ".cache"), "modiste");
}

const runFolder = (): string => join(cacheFolder(), "run");

export const folderOf = (name: string): string => join(runFolder(), name);

export function say(line: string): void {
  process.stderr.write(`services: ${line}\n`);
}

/** Runs to the end. @throws what it wrote, when it fails. */
export function runToEnd(command: string, words: readonly string[], folder?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let written = "";
    const write = (chunk: Buffer): void => {
      written += chunk.toString();
    };
    for (const stream of [child.stdout, child.stderr]) stream.on("data", write);
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(written);
      else reject(new Error(`${command} ${words.join(" ")} ended with ${code}: ${written.slice(-4000)}`));
    });
  });
}

/** Installs what is missing of Debian's packages, by the command of each, where that is allowed. @throws the line to type where it is not. */
export async function requirePrograms(packages: Readonly<Record<string, string>>): Promise<void> {
  const missing = Object.entries(packages).filter(([command]) => spawnSync("which", [command], { stdio: "ignore" }).status !== 0);
  if (missing.length === 0) return;
  const names = missing.map(([, name]) => name);
  if (process.getuid?.() !== 0)
    throw new Error(`missing: ${missing.map(([command]) => command).join(", ")}; apt-get install ${names.join(" ")}`);
  say(`installing ${names.join(", ")}`);
  await runToEnd("apt-get", ["update", "-qq"]);
  await runToEnd("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names]);
}

/**
 * What tells a process from every other that has had or will have its number, which a pid file that outlives a reboot may meet; null for none that
 * runs. A process that has ended may stay in the table for a while, and signals still reach it there: its state tells. Where the kernel
 * says no start, as on macOS, `ps` does, to a second.
 */
function identityOf(pid: number): string | null {
  if (existsSync("/proc/self/stat")) return linuxIdentity(pid);
  const [state = "", ...start] = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" })
    .stdout.trim()
    .split(/\s+/);
  return state === "" || state.startsWith("Z") ? null : `${pid} ${start.join(" ")}`;
}

const bootFile = "/proc/sys/kernel/random/boot_id";

/** The start is in ticks since the boot, so the boot counts too. */
function linuxIdentity(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may have any character: the third field and those that follow.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return null;
    const boot = existsSync(bootFile) ? readFileSync(bootFile, "utf8").trim() : "";
    return `${pid} ${boot} ${fields[19]}`;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return null;
    throw cause;
  }
}

const pidFile = (name: string): string => join(folderOf(name), "pid");

/** The identity that its pid file holds, if that process still runs; null otherwise. */
function runningServer(name: string): { readonly pid: number; readonly identity: string } | null {
  if (!existsSync(pidFile(name))) return null;
  const identity = readFileSync(pidFile(name), "utf8");
  const pid = Number.parseInt(identity, 10);
  return pid > 0 && identityOf(pid) === identity ? { pid, identity } : null;
}

/** Whether something listens there on loopback. */
export const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

export interface Server {
  readonly name: string;
  readonly port: number;
  /** Prepares the folder, which is empty, and answers the command line. */
  prepare(folder: string): Promise<readonly [command: string, ...words: string[]]>;
}

const startLimitMs = 120_000;

/** Starts it unless it runs, and resolves when it accepts connections. @throws the end of its log when it does not. */
export async function startServer({ name, port, prepare }: Server): Promise<void> {
  if (runningServer(name) !== null) return await untilAccepting(name, port);
  if (await accepts(port)) throw new Error(`${name}: port ${port} is taken by a program that services:up did not start`);
  const folder = folderOf(name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const [command, ...words] = await prepare(folder);
  const log = openSync(join(folder, "server.log"), "w");
  const child = spawn(command, words, { cwd: folder, detached: true, stdio: ["ignore", log, log] });
  await new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.unref();
  // One that has ended already has none; what waits for it says so, with its log.
  writeFileSync(pidFile(name), identityOf(child.pid!) ?? "");
  await untilAccepting(name, port);
  say(`${name} on 127.0.0.1:${port}`);
}

async function untilAccepting(name: string, port: number): Promise<void> {
  const log = (): string => readFileSync(join(folderOf(name), "server.log"), "utf8").slice(-4000);
  for (let waitedMs = 0; waitedMs < startLimitMs; waitedMs += 100) {
    if (await accepts(port)) return;
    if (runningServer(name) === null) throw new Error(`${name} ended:\n${log()}`);
    await delay(100);
  }
  throw new Error(`${name} was not ready after ${startLimitMs / 1000} s:\n${log()}`);
}

async function stopServer(name: string): Promise<boolean> {
  const server = runningServer(name);
  if (server === null) return false;
  const runs = (): boolean => identityOf(server.pid) === server.identity;
  process.kill(server.pid, "SIGTERM");
  for (let waitedMs = 0; waitedMs < 15_000 && runs(); waitedMs += 100) await delay(100);
  if (runs()) process.kill(server.pid, "SIGKILL");
  rmSync(pidFile(name), { force: true });
  return true;
}

/** Stops what `chosen` names. Answers the names of what ran. */
export async function stopServers(chosen: (name: string) => boolean): Promise<string[]> {
  const names = (existsSync(runFolder()) ? readdirSync(runFolder()) : []).filter(chosen);
  const stopped = await Promise.all(names.map(stopServer));
  return names.filter((_, i) => stopped[i]);
}
