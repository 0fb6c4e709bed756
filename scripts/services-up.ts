/**
 * `npm run services:up`: real Redis and Kafka on loopback, by docker compose where Docker can pull, else Debian's redis-server and Kafka's jars by
 * Maven (Java 17). Again is harmless. Prints the settings to use. `--test` starts all that the tests need, a server of S3's protocol among it, and
 * writes their variables to a file.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { composeUp } from "./services-compose.ts";
import { kafkaPrograms, newestKafka, startKafka } from "./services-kafka.ts";
import { redisPrograms, startRedis, startRedisCluster } from "./services-redis.ts";
import { cacheFolder, requirePrograms, say } from "./services-run.ts";
import { startS3 } from "./services-s3.ts";

const newest = newestKafka;
const oldest = "3.9.2";

const { values } = parseArgs({
  options: {
    "kafka-version": { type: "string", default: newest },
    "kafka-port": { type: "string", default: "9092" },
    "redis-port": { type: "string", default: "6379" },
    /** Not Docker, also where it could. */
    "no-docker": { type: "boolean", default: false },
    test: { type: "boolean", default: false },
    /** With --test: the file of variables. */
    env: { type: "string", default: `${cacheFolder()}/test.env` },
  },
});

async function people(): Promise<Record<string, string>> {
  const kafkaPort = Number(values["kafka-port"]);
  const redisPort = Number(values["redis-port"]);
  const kafkaVersion = values["kafka-version"];
  const composed = !values["no-docker"] && (await composeUp({ kafkaVersion, kafkaPort, redisPort }));
  if (!composed) {
    await requirePrograms({ ...redisPrograms, ...kafkaPrograms });
    const kafka = startKafka({ name: `kafka-${kafkaVersion}-${kafkaPort}`, version: kafkaVersion, port: kafkaPort });
    await Promise.all([kafka, startRedis(`redis-${redisPort}`, redisPort)]);
  }
  return { MODISTE_KAFKA_BROKERS: `127.0.0.1:${kafkaPort}`, MODISTE_REDIS_URL: `redis://127.0.0.1:${redisPort}` };
}

const s3Keys = { accessKeyId: "modiste", secretAccessKey: "modiste-secret" };

/** Ports of their own, so that tests never meet what a person works with. */
async function tests(): Promise<Record<string, string>> {
  await requirePrograms({ ...redisPrograms, ...kafkaPrograms });
  await Promise.all([
    startKafka({ name: "test-kafka", version: newest, port: 19092 }),
    startKafka({ name: "test-kafka-old", version: oldest, port: 19292 }),
    startRedis("test-redis", 16379),
    startRedisCluster("test-redis-cluster", [17000, 17001, 17002]),
    startS3({ name: "test-s3", port: 19000, ...s3Keys }),
  ]);
  return {
    MODISTE_TEST_KAFKA: "127.0.0.1:19092",
    MODISTE_TEST_KAFKA_OLD: "127.0.0.1:19292",
    MODISTE_TEST_REDIS: "127.0.0.1:16379",
    MODISTE_TEST_REDIS_CLUSTER: "127.0.0.1:17000",
    MODISTE_TEST_S3: `http://${s3Keys.accessKeyId}:${s3Keys.secretAccessKey}@127.0.0.1:19000`,
  };
}

const variables = values.test ? await tests() : await people();
const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${value}\n`);
if (values.test) {
  mkdirSync(dirname(values.env), { recursive: true });
  writeFileSync(values.env, lines.join(""));
  say(`ready; the tests find them after: source ${values.env}`);
} else say("ready; to use them:");
process.stdout.write(lines.join(""));
