/**
 * Recommend on the local path without HTTP: processor time a request, one after the other. What a busy machine blurs least, so the figure
 * to compare two states of the code by.
 */

import { startServices } from "#libs/serve/start.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { freePorts } from "#libs/testing/free-port.ts";
import { RecommenderDefinition } from "#protos/recommender.ts";
import { fleet } from "../../services/fleet.ts";
import { type Bench, type BenchContext, type Figures, lower, quantile, sortedOf } from "./bench.ts";
import { sampleUsers } from "./load.ts";

const warmUp = 1500;
const rounds = 10;
const requestsPerRound = 300;

async function pipelineFigures({ home, data }: BenchContext): Promise<Figures> {
  const users = await sampleUsers(home, 2000);
  const [http] = await freePorts(1);
  const env = { MODISTE_HOME: home, MODISTE_HTTP_PORT: String(http), MODISTE_RPC_PORT: "0", MODISTE_ADMIN_PORT: "0", ...Object.fromEntries(Object.entries(process.env).filter(([k]) => k.startsWith("MODISTE_X_")).map(([k, v]) => [k.replace("MODISTE_X_", "MODISTE_"), v])) };
  const started = await startServices(fleet, [], { env, log: (service) => createLogger({ service, level: "error" }) });
  try {
    const client = started.connector.connect(RecommenderDefinition, "local:gateway");
    const ask = (i: number): Promise<unknown> => client.recommend({ userId: users[i % users.length]! }, { timeoutMs: 5000 });
    for (let i = 0; i < warmUp; i++) await ask(i);
    const processor: number[] = [];
    const wall: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = process.cpuUsage();
      for (let i = 0; i < requestsPerRound; i++) {
        const startedMs = performance.now();
        await ask(round * requestsPerRound + i);
        wall.push(performance.now() - startedMs);
      }
      const { user, system } = process.cpuUsage(before);
      processor.push((user + system) / 1000 / requestsPerRound);
    }
    const prefix = `${data}.local`;
    return {
      // Of ten rounds: the machine's other work is in the slow ones.
      [`${prefix}.processor.best`]: lower(sortedOf(processor)[0]!, "ms/request"),
      [`${prefix}.processor.median`]: lower(quantile(sortedOf(processor), 0.5), "ms/request"),
      [`${prefix}.p50`]: lower(quantile(sortedOf(wall), 0.5), "ms", 6),
      [`${prefix}.p99`]: lower(quantile(sortedOf(wall), 0.99), "ms", 25),
    };
  } finally {
    await started.close();
  }
}

export const pipeline: Bench = { name: "pipeline", about: "processor time of one recommendation on the local path", run: pipelineFigures };
