/** Redis on loopback, alone or as a cluster, from Debian's package, which is installed where that is allowed. */

import { runToEnd, say, startServer } from "./services-run.ts";

/** Commands by Debian's packages of them. */
export const redisPrograms = { "redis-server": "redis-server" } as const;

/** @param name of its folder. */
export async function startRedis(name: string, port: number, more: readonly string[] = []): Promise<void> {
  await startServer({
    name,
    port,
    // Every write on disk within a second: what is killed has lost no more.
    prepare: async (folder) => [
      "redis-server",
      "--port",
      `${port}`,
      "--bind",
      "127.0.0.1",
      "--dir",
      folder,
      "--appendonly",
      "yes",
      ...more,
    ],
  });
}

/** A cluster of three nodes without replicas. Resolves when it covers all slots. */
export async function startRedisCluster(name: string, ports: readonly number[]): Promise<void> {
  const settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
  await Promise.all(ports.map((port) => startRedis(`${name}-${port}`, port, settings)));
  const cli = (...words: string[]): Promise<string> => runToEnd("redis-cli", words);
  const state = async (): Promise<boolean> => {
    const answers = await Promise.all(ports.map((port) => cli("-p", `${port}`, "cluster", "info")));
    return answers.every((answer) => answer.includes("cluster_state:ok"));
  };
  if (await state()) return;
  await cli("--cluster", "create", ...ports.map((port) => `127.0.0.1:${port}`), "--cluster-replicas", "0", "--cluster-yes");
  for (let left = 100; !(await state()); left--) {
    if (left === 0) throw new Error(`the Redis cluster of ${ports.join(", ")} does not cover all slots`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  say(`Redis cluster on ${ports.join(", ")}`);
}
