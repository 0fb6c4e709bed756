/** Redis and Kafka by docker compose, where Docker runs and can pull. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readEnvironment } from "#libs/config/environment.ts";
import { runToEnd, say } from "./services-run.ts";

const file = fileURLToPath(new URL("compose.yaml", import.meta.url));
const words = (...more: string[]): string[] => ["compose", "-f", file, ...more];

export interface ComposeOptions {
  readonly kafkaVersion: string;
  readonly kafkaPort: number;
  readonly redisPort: number;
}

const quietly = (command: string, given: readonly string[], env = readEnvironment()): boolean =>
  spawnSync(command, given, { stdio: "ignore", timeout: 300_000, env: { ...env } }).status === 0;

/** Whether a daemon answers. A client without one is common in containers. */
const hasDaemon = (): boolean => quietly("docker", ["info"]) && quietly("docker", ["compose", "version"]);

/** Resolves when both are healthy; false where Docker is not there or cannot pull, and nothing was started. */
export async function composeUp({ kafkaVersion, kafkaPort, redisPort }: ComposeOptions): Promise<boolean> {
  if (!hasDaemon()) return false;
  const env = { KAFKA_VERSION: kafkaVersion, KAFKA_PORT: `${kafkaPort}`, REDIS_PORT: `${redisPort}` };
  if (!quietly("docker", words("pull", "--quiet"), { ...readEnvironment(), ...env })) {
    say("Docker cannot pull the images");
    return false;
  }
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  await runToEnd("env", [...settings, "docker", ...words("up", "--detach", "--wait")]);
  return true;
}

export function composeDown(): void {
  if (hasDaemon()) quietly("docker", words("down"));
}
