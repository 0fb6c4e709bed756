/** Programs that `services:up` leaves running: `services:down` stops them, and nobody else whose number a pid file holds. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { folderOf, startServer, stopServers } from "../../scripts/services-run.ts";

let cache: string;
let stranger: ChildProcess;

beforeEach(async () => {
  cache = mkdtempSync(join(tmpdir(), "services-"));
  vi.stubEnv("XDG_CACHE_HOME", cache);
  stranger = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"], { stdio: "ignore" });
  await once(stranger, "spawn");
});
afterEach(async () => {
  await stopServers(() => true);
  vi.unstubAllEnvs();
  const ended = stranger.exitCode === null && stranger.signalCode === null ? once(stranger, "exit") : Promise.resolve();
  stranger.kill("SIGKILL");
  await ended;
  rmSync(cache, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const pidFile = (name: string): string => join(folderOf(name), "pid");

async function start(name: string, port: number): Promise<string> {
  const program = `require("node:net").createServer().listen(${port}, "127.0.0.1")`;
  await startServer({ name, port, prepare: async () => [process.execPath, "-e", program] });
  return readFileSync(pidFile(name), "utf8");
}

describe("a program that services:up started", () => {
  it("is known again, stopped once, and started anew", async () => {
    const port = await freePort();
    const first = await start("one", port);
    expect(await start("one", port)).toBe(first);
    expect(await stopServers((name) => name === "one")).toEqual(["one"]);
    expect(await stopServers((name) => name === "one")).toEqual([]);
    expect(await start("one", port)).not.toBe(first);
  });

  it("that ends at once says so with its log", async () => {
    const program = 'console.error("no room"); process.exit(3)';
    const server = { name: "two", port: await freePort(), prepare: async () => [process.execPath, "-e", program] as const };
    await expect(startServer(server)).rejects.toThrow(/two ended:\n.*no room/s);
  });
});

describe("a pid file that outlived its program", () => {
  it.each([
    ["the number alone", (pid: number, _mine: string) => String(pid)],
    ["another start", (pid: number, mine: string) => mine.replace(/^\d+/, String(pid)).replace(/\S+$/, "1")],
    ["another boot", (pid: number, _mine: string) => `${pid} 00000000-0000-0000-0000-000000000000 1`],
  ])("does not give its number's next owner away: %s", async (_what, written) => {
    const mine = await start("three", await freePort());
    mkdirSync(dirname(pidFile("stale")), { recursive: true });
    writeFileSync(pidFile("stale"), written(stranger.pid!, mine));
    expect(await stopServers((name) => name === "stale")).toEqual([]);
    expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
    expect(() => process.kill(stranger.pid!, 0)).not.toThrow();
  });
});
