import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createConnector } from "#libs/rpc/connect.ts";
import { startTelemetry } from "#libs/telemetry/telemetry.ts";
import { freePorts } from "#libs/testing/free-port.ts";
import { defer } from "#libs/testing/rpc-harness.ts";
import { smallFleet } from "#libs/testing/small-fleet.ts";
import { RecommenderDefinition } from "#protos/recommender.ts";
import { spawnFleet } from "./spawn.ts";

const main = ["--import", "tsx", "libs/serve/fixture-main.ts"];
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Child {
  readonly pid: number;
  readonly output: () => string;
  said(text: string): Promise<void>;
  readonly code: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

function launch(programArguments: string[], env: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, [...main, ...programArguments], { env: { PATH: "/usr/bin", ...env } });
  children.push(child);
  let output = "";
  const waiting: { text: string; resolve: () => void }[] = [];
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    for (const { text, resolve } of waiting) if (output.includes(text)) resolve();
  };
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const said = (text: string): Promise<void> => {
    const { promise, resolve } = defer<void>();
    if (output.includes(text)) resolve(undefined);
    else waiting.push({ text, resolve: () => resolve(undefined) });
    return Promise.race([promise, code.then(() => (output.includes(text) ? undefined : Promise.reject(new Error(output))))]);
  };
  return { pid: child.pid ?? 0, output: () => output, said, code, kill: (signal) => void child.kill(signal) };
}

describe("a process", () => {
  it("drains on SIGTERM and ends with 0", { timeout: 30_000 }, async () => {
    const [port = 0] = await freePorts(1);
    const child = launch(["all", String(port), "0", "slow"], {});
    await child.said("serving\n");
    const telemetry = await startTelemetry({ version: "0", recentTraces: 0 });
    const connector = createConnector({ telemetry: telemetry.service("test") });
    const answer = connector.connect(RecommenderDefinition, `dns:///127.0.0.1:${port}`).recommend({});
    await child.said("rank begun");
    child.kill("SIGTERM");
    expect((await answer).items).toHaveLength(1);
    expect(await child.code).toBe(0);
    expect(child.output()).toMatch(/rank done[\s\S]*gateway closed[\s\S]*ranking closed[\s\S]*ranking store closed/);
    connector.close();
    await telemetry.close();
  });

  it("ends with 2 when its configuration is wrong, listing all of it", { timeout: 30_000 }, async () => {
    const child = launch(["all"], { MODISTE_RANKING_ANSWER: "many", MODISTE_DRAIN_LIMIT: "5" });
    expect(await child.code).toBe(2);
    expect(child.output()).toContain('MODISTE_RANKING_ANSWER: "many" is not whole number');
    expect(child.output()).toContain("MODISTE_DRAIN_LIMIT: unknown variable; did you mean MODISTE_DRAIN_LIMIT_MS?");
  });

  it("ends with 1 when its port is in use, naming it", { timeout: 30_000 }, async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const { port } = blocker.address() as { port: number };
    const child = launch(["all", String(port)]);
    expect(await child.code).toBe(1);
    expect(child.output()).toContain(`port ${port} of 127.0.0.1 is in use by another process`);
    blocker.close();
  });
});

describe("a fleet of processes", () => {
  it("becomes ready, starts again what dies, and leaves nothing behind", { timeout: 60_000 }, async () => {
    const ports = await freePorts(2);
    const [ranking = 0, gateway = 0] = ports;
    const lines: string[] = [];
    const rows = smallFleet({ ports: { ranking, gateway } });
    const fleet = spawnFleet(rows, {
      env: { PATH: "/usr/bin", MODISTE_ADMIN_PORT: "0" },
      argumentsOf: (row) => [...main, row.name, String(gateway), String(ranking)],
      write: (line) => lines.push(line),
    });
    await fleet.ready;
    const before = fleet.pids().get("ranking") ?? 0;
    process.kill(before, "SIGKILL");
    await expect.poll(() => fleet.pids().get("ranking") ?? before, { timeout: 20_000 }).not.toBe(before);
    const pids = [...fleet.pids().values()];
    await fleet.stop();
    expect(lines.some((line) => line.startsWith("ranking     | died (SIGKILL)"))).toBe(true);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
  });
});
