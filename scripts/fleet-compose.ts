/** compose.yaml: the fleet of the table with Redis and Kafka, for people without Kubernetes. */

import { serviceWord } from "#libs/config/schema.ts";
import { adminPortOf, type FleetRow, gatewayHttpPort } from "#libs/serve/fleet-row.ts";
import { newestKafka } from "./services-kafka.ts";

const head = (
  version: string,
  fleet: readonly FleetRow[],
): string => `# Written by \`npm run generate\` from services/fleet.ts; do not edit.
# The fleet with Redis and Kafka on one machine: \`npm run image && cp .env.example .env\`, secrets into .env, \`docker compose up\` (or docker-compose 1.29).
# \`npm run services:up\` has a file of its own (scripts/compose.yaml): its Redis and Kafka are for processes outside of Docker, so they are published and name
# themselves 127.0.0.1, where these are reached by the containers alone.

x-hardened: &hardened
  read_only: true
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
  tmpfs: [/tmp]
  restart: unless-stopped
  stop_grace_period: 30s

x-environment: &environment
  MODISTE_RPC_HOST: 0.0.0.0
  MODISTE_RPC_KEYS: \${MODISTE_RPC_KEY:?must be set in .env (see .env.example)}
  MODISTE_RPC_KEY: \${MODISTE_RPC_KEY:?must be set in .env (see .env.example)}
  MODISTE_SUBJECT_HASH_KEY: \${MODISTE_SUBJECT_HASH_KEY:?must be set in .env (see .env.example)}
  MODISTE_KAFKA_BROKERS: kafka:9092
  MODISTE_REDIS_URL: redis://redis:6379
  MODISTE_RELEASES: /releases
${fleet
  .filter(({ kind }) => kind !== "gateway")
  .map(({ name, port }) => `  MODISTE_${serviceWord(name)}_URL: dns:///${name}:${port}\n`)
  .join("")}
x-service: &service
  <<: *hardened
  image: \${MODISTE_IMAGE:-modiste:${version}}
  user: "65532:65532"
  environment: *environment
  networks: [inside]

x-job: &job
  <<: *service
  restart: on-failure
  volumes: ["releases:/releases", "home:/var/lib/modiste"]

services:
`;

const servers = `  redis:
    <<: *hardened
    image: redis:7.4
    user: "999:999"
    # Without a password: nothing but the containers of the inner network reaches it.
    command: [redis-server, --protected-mode, "no", --appendonly, "yes", --appendfsync, everysec, --maxmemory-policy, noeviction]
    networks: [inside]
    volumes: ["redis:/data"]
    healthcheck: { test: [CMD, redis-cli, ping], interval: 5s, timeout: 3s, retries: 12 }

  # Once on an empty volume; nothing later.
  kafka-format:
    <<: *hardened
    image: apache/kafka:${newestKafka}
    user: "1000:1000"
    restart: on-failure
    entrypoint: [java, -Xmx128m, -cp, "/opt/kafka/libs/*", kafka.tools.StorageTool]
    command: [format, --ignore-formatted, --cluster-id, MkU3OEVBNTcwNTJENDM2Qg, --config, /config/server.properties]
    networks: [inside]
    volumes: ["kafka:/var/lib/kafka/data", "./scripts/compose-kafka.properties:/config/server.properties:ro"]

  kafka:
    <<: *hardened
    image: apache/kafka:${newestKafka}
    user: "1000:1000"
    entrypoint: [java, -Xms256m, -Xmx512m, -XX:+UseSerialGC, -XX:-UsePerfData, -cp, "/opt/kafka/libs/*", kafka.Kafka]
    command: [/config/server.properties]
    depends_on: { kafka-format: { condition: service_completed_successfully } }
    networks: [inside]
    volumes: ["kafka:/var/lib/kafka/data", "./scripts/compose-kafka.properties:/config/server.properties:ro"]

  # Where there is no release: a small synthetic shop, trained and seeded. Services start beside it and are ready when it has ended.
  prepare:
    <<: *job
    command: [prepare]
    depends_on: { redis: { condition: service_healthy } }

`;

/** A process of Node asks, since the image has no other program. */
const healthcheck = (port: number): string =>
  `    healthcheck:
      test: [CMD, node, -e, "fetch('http://127.0.0.1:${port}/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
      interval: 30s
      timeout: 5s
      retries: 8
`;

function service(row: FleetRow): string {
  const { name, kind, port, resources } = row;
  const gateway = kind === "gateway";
  return `  ${name}:
    <<: *service
    command: [serve, ${name}]
    volumes: ["releases:/releases:ro"]
    mem_limit: ${resources.memoryMiB}m
${
  gateway
    ? `    environment: { <<: *environment, MODISTE_HTTP_HOST: 0.0.0.0 }
    networks: [inside, outside]
    ports: ["127.0.0.1:\${MODISTE_PUBLISHED_HTTP:-${gatewayHttpPort}}:${gatewayHttpPort}", "127.0.0.1:\${MODISTE_PUBLISHED_GRPC:-${port}}:${port}"]
`
    : ""
}${healthcheck(adminPortOf(row))}`;
}

const tail = `
networks:
  # No way out, and none in.
  inside: { internal: true }
  outside: {}

volumes:
  releases: {}
  home: {}
  redis: {}
  kafka: {}
`;

/** The whole file. */
export function fleetCompose(version: string, fleet: readonly FleetRow[]): string {
  return `${head(version, fleet)}${servers}${fleet.map(service).join("\n")}${tail}`;
}
