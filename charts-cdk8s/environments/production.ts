/** The shop itself: Kafka, Redis and releases are others' to run. Names and addresses are those of a shop that does not exist: put yours here. */

import type { Environment } from "../environment.ts";

export const production: Environment = {
  name: "production",
  namespace: "modiste",
  registry: "registry.shop.example/modiste",
  scale: { replicasFactorMax: 10 },
  kafka: {
    brokers: ["kafka-0.shop.example:9094", "kafka-1.shop.example:9094", "kafka-2.shop.example:9094"],
    peers: [{ cidr: "10.10.16.0/24" }],
    port: 9094,
    saslMechanism: "scram-sha-512",
    partitions: 48,
    replication: 3,
  },
  redis: { peers: [{ cidr: "10.10.17.0/24" }], port: 6380, cluster: true },
  telemetry: {
    otlpUrl: "http://collector.observability:4318/v1/traces",
    peers: [{ namespace: "observability", labels: { "app.kubernetes.io/name": "collector" } }],
    port: 4318,
    scrapers: [{ namespace: "observability", labels: { "app.kubernetes.io/name": "prometheus" } }],
  },
  releases: {
    url: "s3://shop-modiste/releases",
    region: "eu-central-1",
    endpoint: "https://objects.shop.example",
    peers: [{ cidr: "10.10.18.0/24" }],
    port: 443,
  },
  gpu: {
    nodeSelector: { "nvidia.com/gpu.present": "true" },
    toleration: { key: "nvidia.com/gpu", effect: "NoSchedule" },
    replicas: 2,
  },
  clients: [{ namespace: "ingress" }, { namespace: "shop" }],
  page: false,
  archiving: { schedule: "7 * * * *", suspended: false },
  retraining: { schedule: "17 3 * * *", suspended: false, base: "shop", cpu: 8, memoryMiB: 32_768, dataGiB: 500 },
  live: false,
};
