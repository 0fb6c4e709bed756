/** A Kafka of one node from its jars: Maven brings them once for each version, Java 17 runs them. */

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, runToEnd, say, startServer } from "./services-run.ts";

export interface KafkaOptions {
  readonly version: string;
  /** Of clients; the controller takes the next one. */
  readonly port: number;
  /** Of its folder. */
  readonly name: string;
}

/** The newest that Maven serves whole. */
export const newestKafka = "4.3.1";

/** Commands by Debian's packages of them. */
export const kafkaPrograms = { java: "openjdk-17-jre-headless", mvn: "maven" } as const;

const pom = (version: string): string => `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>modiste</groupId><artifactId>kafka-server</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies>
</project>
`;

/** Folder of the jars of a version. Filled beside and moved, so that a download which breaks off leaves nothing half. */
export async function jarsOf(version: string): Promise<string> {
  const root = join(cacheFolder(), "kafka");
  const jars = join(root, version);
  if (existsSync(jars)) return jars;
  mkdirSync(root, { recursive: true });
  const work = mkdtempSync(join(root, "fetch-"));
  try {
    say(`fetching Kafka ${version}`);
    writeFileSync(join(work, "pom.xml"), pom(version));
    const plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
    await runToEnd("mvn", ["-q", "-B", plugin, `-DoutputDirectory=${join(work, "jars")}`, "-DincludeScope=runtime"], work);
    if (!existsSync(jars)) renameSync(join(work, "jars"), jars);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return jars;
}

const properties = (port: number, data: string): string =>
  Object.entries({
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${port + 1}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "log.dirs": data,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "group.initial.rebalance.delay.ms": 0,
    "auto.create.topics.enable": false,
    "log.segment.bytes": 64 * 2 ** 20,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");

const lean = ["-XX:+UseSerialGC", "-Djava.net.preferIPv4Stack=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];

/** Formats the storage in `folder`, unless it is, and answers the command line of a broker on it. */
export async function prepareKafka(
  { version, port }: Pick<KafkaOptions, "version" | "port">,
  folder: string,
): Promise<readonly [string, ...string[]]> {
  const jars = join(await jarsOf(version), "*");
  const settings = join(folder, "server.properties");
  if (!existsSync(settings)) {
    writeFileSync(settings, properties(port, join(folder, "data")));
    // A leading "-" would read as an option.
    const clusterId = `M${randomBytes(16).toString("base64url").slice(1)}`;
    await runToEnd("java", ["-Xmx128m", ...lean, "-cp", jars, "kafka.tools.StorageTool", "format", "-t", clusterId, "-c", settings]);
  }
  return ["java", "-Xms256m", "-Xmx512m", ...lean, "-cp", jars, "kafka.Kafka", settings];
}

/** Resolves when it takes connections, which it does once it can answer. */
export function startKafka({ name, version, port }: KafkaOptions): Promise<void> {
  return startServer({ name, port, prepare: (folder) => prepareKafka({ version, port }, folder) });
}
