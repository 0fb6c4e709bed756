/** A broker of a test's own, which it may kill, halt and start again on the same data. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "#libs/testing/free-port.ts";
import { until } from "#libs/testing/redis-servers.ts";
import { newestKafka, prepareKafka } from "../../scripts/services-kafka.ts";
import { accepts } from "../../scripts/services-run.ts";

export interface OwnKafka {
  /** "host:port". */
  readonly broker: string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: connections stay, nobody answers. */
  halt(): void;
  goOn(): void;
  /** Starts it again with what it had written. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function startOwnKafka(): Promise<OwnKafka> {
  const [port] = (await freePorts(1)) as [number];
  const folder = await mkdtemp(join(tmpdir(), "modiste-kafka-"));
  let broker: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    const [command, ...words] = await prepareKafka({ version: newestKafka, port }, folder);
    broker = spawn(command, words, { cwd: folder, stdio: "ignore" });
    await until(() => accepts(port), `Kafka at ${port}`);
  };
  const kill = async (): Promise<void> => {
    if (broker === null || broker.exitCode !== null || broker.signalCode !== null) return;
    const gone = once(broker, "exit");
    broker.kill("SIGKILL");
    await gone;
  };
  await start();
  return {
    broker: `127.0.0.1:${port}`,
    kill,
    halt: () => void broker?.kill("SIGSTOP"),
    goOn: () => void broker?.kill("SIGCONT"),
    start,
    remove: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
