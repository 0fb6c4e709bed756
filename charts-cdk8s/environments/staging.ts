/** As production, smaller and without cards. Names and addresses are those of a shop that does not exist: put yours here. */

import type { Environment } from "../environment.ts";

export const staging: Environment = {
  name: "staging",
  namespace: "modiste-staging",
  registry: "registry.shop.example/modiste",
  scale: { replicasFactorMax: 2 },
  kafka: {
    brokers: ["kafka-0.staging.shop.example:9094", "kafka-1.staging.shop.example:9094", "kafka-2.staging.shop.example:9094"],
    peers: [{ cidr: "10.20.16.0/24" }],
    port: 9094,
    saslMechanism: "scram-sha-512",
    partitions: 12,
    replication: 3,
  },
  redis: { peers: [{ cidr: "10.20.17.0/24" }], port: 6380, cluster: false },
  telemetry: {
    otlpUrl: "http://collector.observability:4318/v1/traces",
    peers: [{ namespace: "observability", labels: { "app.kubernetes.io/name": "collector" } }],
    port: 4318,
    scrapers: [{ namespace: "observability", labels: { "app.kubernetes.io/name": "prometheus" } }],
  },
  releases: {
    url: "s3://shop-modiste-staging/releases",
    region: "eu-central-1",
    endpoint: "https://objects.staging.shop.example",
    peers: [{ cidr: "10.20.18.0/24" }],
    port: 443,
  },
  gpu: null,
  clients: [{ namespace: "ingress" }, { namespace: "shop-staging" }],
  page: false,
  archiving: { schedule: "7 * * * *", suspended: false },
  retraining: { schedule: "17 3 * * *", suspended: false, base: "shop", cpu: 2, memoryMiB: 8192, dataGiB: 100 },
  live: false,
};
