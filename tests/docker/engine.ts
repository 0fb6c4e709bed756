/** The engine and the fleet of compose.yaml in it, under a name of its own. */

import { execFile, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../..", import.meta.url));

const project = "modiste-faults";
const envFile = join(tmpdir(), `${project}.env`);

/** Secrets of a fleet that was kept stay its own: other keys would find no profile. */
function secret(name: string): string {
  const kept = existsSync(envFile) ? new RegExp(`^${name}=(.+)$`, "m").exec(readFileSync(envFile, "utf8"))?.[1] : undefined;
  return kept ?? randomUUID();
}

/** What every caller of this fleet names. */
export const rpcKey = secret("MODISTE_RPC_KEY");

const settings = {
  MODISTE_RPC_KEY: rpcKey,
  MODISTE_SUBJECT_HASH_KEY: secret("MODISTE_SUBJECT_HASH_KEY"),
  // Of both gateways, on loopback.
  MODISTE_PUBLISHED_HTTP: "18080-18089",
  MODISTE_PUBLISHED_GRPC: "15051-15060",
};

const run = promisify(execFile);

export async function docker(...words: string[]): Promise<string> {
  return (await run("docker", words, { timeout: 60_000, maxBuffer: 1 << 24 })).stdout.trim();
}

/** The plugin where there is one, else the program of before. */
function composeCommand(): readonly [string, ...string[]] {
  return spawnSync("docker", ["compose", "version"], { stdio: "ignore" }).status === 0 ? ["docker", "compose"] : ["docker-compose"];
}

async function compose(...words: string[]): Promise<string> {
  const [command, ...first] = composeCommand();
  const given = [...first, "--project-name", project, "--env-file", envFile, ...words];
  return (await run(command, given, { cwd: root, timeout: 600_000, maxBuffer: 1 << 24 })).stdout.trim();
}

export async function upFleet(): Promise<void> {
  writeFileSync(
    envFile,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
    { mode: 0o600 },
  );
  await compose("up", "--detach", "--scale", "gateway=2");
}

/** With its volumes. */
export async function downFleet(): Promise<void> {
  await compose("down", "--volumes", "--timeout", "5");
  rmSync(envFile, { force: true });
}

/** Containers that run, by the name of their service; the gateways as "gateway 1", "gateway 2". */
export async function containers(): Promise<ReadonlyMap<string, string>> {
  const lines = await docker("ps", "--filter", `label=com.docker.compose.project=${project}`, "--format", "{{.ID}} {{.Names}}");
  const found = lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line): [string, string] => {
      const [id, name] = line.split(" ") as [string, string];
      const [, service, number] = /[-_]([a-z]+)[-_](\d+)$/.exec(name) ?? [];
      return [service === "gateway" ? `gateway ${number}` : (service ?? name), id];
    });
  return new Map(found.sort());
}

/** Address of a published port: "http://127.0.0.1:18080". */
export async function addressOf(container: string, port: number): Promise<string> {
  return `http://${(await docker("port", container, `${port}/tcp`)).split("\n")[0]}`;
}

/** Memory in use by container, as the engine tells it. */
export async function memoryOf(ids: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const lines = await docker("stats", "--no-stream", "--format", "{{.ID}} {{.MemUsage}}", ...ids);
  return new Map(lines.split("\n").map((line) => [line.split(" ")[0]!, line.split(" ")[1]!]));
}

export interface Fault {
  readonly name: string;
  readonly begin: (container: string) => Promise<unknown>;
  readonly end: (container: string) => Promise<unknown>;
}

/** Networks of a container with the names that others find it by. */
async function networksOf(container: string): Promise<readonly (readonly [string, readonly string[]])[]> {
  const text = await docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", container);
  const networks = JSON.parse(text) as Record<string, { Aliases: string[] | null }>;
  return Object.entries(networks).map(([name, { Aliases }]) => [name, Aliases ?? []]);
}

/** A cut container must come back under the names it had: the engine forgets them with the network. */
function networkCut(): Fault {
  const cut = new Map<string, Awaited<ReturnType<typeof networksOf>>>();
  return {
    name: "disconnect",
    begin: async (container) => {
      const networks = await networksOf(container);
      cut.set(container, networks);
      for (const [network] of networks) await docker("network", "disconnect", network, container);
    },
    end: async (container) => {
      for (const [network, aliases] of cut.get(container) ?? []) {
        await docker("network", "connect", ...aliases.flatMap((alias) => ["--alias", alias]), network, container);
      }
    },
  };
}

export const faults: readonly Fault[] = [
  { name: "kill", begin: (id) => docker("kill", id), end: (id) => docker("start", id) },
  { name: "pause", begin: (id) => docker("pause", id), end: (id) => docker("unpause", id) },
  networkCut(),
];
