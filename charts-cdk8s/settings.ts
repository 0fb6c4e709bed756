/** What containers are told: addresses from one ConfigMap, secrets by reference. Defaults of the code are not repeated. */

import { createHash } from "node:crypto";
import type { Chart } from "cdk8s";
import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import { serviceWord } from "#libs/config/schema.ts";
import type { FleetRow } from "#libs/serve/fleet-row.ts";
import { arrowsOf, type Errand, goesOn } from "./arrows.ts";
import type { Environment } from "./environment.ts";
import { labelsOf } from "./labels.ts";
import { ports } from "./ports.ts";

/** Name of the ConfigMap, and of the Secret. */
export const settingsName = "modiste";

/** Keys of the Secret. Who runs staging or production makes it; `dev` has one of its own. */
export const secretKeys = [
  "rpc-key",
  "subject-hash-key",
  "redis-url",
  "kafka-username",
  "kafka-password",
  "s3-access-key-id",
  "s3-secret-access-key",
] as const;

type SecretKey = (typeof secretKeys)[number];

const releasesFolder = "/releases";

/** Where our images keep what they write; a mounted volume. */
export const homeFolder = "/var/lib/modiste";

/** The same for all: where things are. */
export function sharedSettings({ kafka, redis, telemetry, releases }: Environment): Readonly<Record<string, string>> {
  const busSettings =
    kafka === "inside"
      ? { MODISTE_KAFKA_BROKERS: `kafka:${ports.kafka}` }
      : {
          MODISTE_KAFKA_BROKERS: kafka.brokers.join(","),
          MODISTE_KAFKA_SSL: "true",
          MODISTE_KAFKA_SASL_MECHANISM: kafka.saslMechanism,
          MODISTE_KAFKA_PARTITIONS: `${kafka.partitions}`,
          MODISTE_KAFKA_REPLICATION: `${kafka.replication}`,
        };
  const releaseSettings =
    "volumeGiB" in releases
      ? { MODISTE_RELEASES: releasesFolder }
      : {
          MODISTE_RELEASES: releases.url,
          MODISTE_S3_REGION: releases.region,
          ...(releases.endpoint === "" ? {} : { MODISTE_S3_ENDPOINT: releases.endpoint }),
        };
  return {
    MODISTE_RPC_HOST: "0.0.0.0",
    MODISTE_HOME: homeFolder,
    ...busSettings,
    ...(redis !== "inside" && redis.cluster ? { MODISTE_REDIS_CLUSTER: "true" } : {}),
    ...releaseSettings,
    MODISTE_OTLP_URL: telemetry === "inside" ? `http://collector:${ports.otlp}/v1/traces` : telemetry.otlpUrl,
  };
}

export function addSettings(chart: Chart, environment: Environment): void {
  const metadata = { name: settingsName, labels: labelsOf({ name: settingsName, component: "settings" }) };
  new k8s.KubeConfigMap(chart, "settings", { metadata, data: sharedSettings(environment) });
}

/** Pods are told of settings at their start alone: another checksum in the template starts new ones. */
export function checksum(data: unknown): Readonly<Record<string, string>> {
  return { "modiste/settings-checksum": createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 16) };
}

const fromSecret = (name: string, key: SecretKey): k8s.EnvVar => ({ name, valueFrom: { secretKeyRef: { name: settingsName, key } } });

/** What a pod of this name must know of its errands, and only it. */
function errandSecrets(fleet: readonly FleetRow[], { kafka, releases }: Environment, name: string): k8s.EnvVar[] {
  const goes = (errand: Errand): boolean => goesOn(fleet, name, errand);
  return [
    ...(goes("stores") ? [fromSecret("MODISTE_REDIS_URL", "redis-url")] : []),
    ...(goes("bus") && kafka !== "inside"
      ? [fromSecret("MODISTE_KAFKA_SASL_USERNAME", "kafka-username"), fromSecret("MODISTE_KAFKA_SASL_PASSWORD", "kafka-password")]
      : []),
    ...(goes("releases") && !("volumeGiB" in releases)
      ? [fromSecret("MODISTE_S3_ACCESS_KEY_ID", "s3-access-key-id"), fromSecret("MODISTE_S3_SECRET_ACCESS_KEY", "s3-secret-access-key")]
      : []),
    fromSecret("MODISTE_SUBJECT_HASH_KEY", "subject-hash-key"),
  ];
}

export const envFrom: k8s.EnvFromSource[] = [{ configMapRef: { name: settingsName } }];

const gatewayEnv = ({ page }: Environment): k8s.EnvVar[] => [
  { name: "MODISTE_HTTP_HOST", value: "0.0.0.0" },
  ...(page ? [] : [{ name: "MODISTE_PAGE", value: "off" }]),
];

export function serviceEnv(fleet: readonly FleetRow[], environment: Environment, row: FleetRow): k8s.EnvVar[] {
  const called = arrowsOf(fleet, environment).filter(({ from, errand }) => from === row.name && errand === "rpc");
  return [
    ...(row.kind === "gateway" ? gatewayEnv(environment) : []),
    ...called.map(({ to, port }) => ({ name: `MODISTE_${serviceWord(`${to}`)}_URL`, value: `dns:///${to}:${port}` })),
    fromSecret("MODISTE_RPC_KEYS", "rpc-key"),
    fromSecret("MODISTE_RPC_KEY", "rpc-key"),
    ...errandSecrets(fleet, environment, row.name),
  ];
}

export const jobEnv = (fleet: readonly FleetRow[], environment: Environment, name: string): k8s.EnvVar[] =>
  errandSecrets(fleet, environment, name);

/** Mounts of releases, where they lie on a volume. */
export function releasesMount({ releases }: Environment, readOnly: boolean): { volumes: k8s.Volume[]; mounts: k8s.VolumeMount[] } {
  if (!("volumeGiB" in releases)) return { volumes: [], mounts: [] };
  return {
    volumes: [{ name: "releases", persistentVolumeClaim: { claimName: "modiste-releases", readOnly } }],
    mounts: [{ name: "releases", mountPath: releasesFolder, readOnly }],
  };
}
