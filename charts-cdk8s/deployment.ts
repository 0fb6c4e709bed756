/** The pods of a service: probes, drain, spread, resources, and what they are told. */

import type { Chart } from "cdk8s";
import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import { adminPortOf, type FleetRow } from "#libs/serve/fleet-row.ts";
import type { Environment, GpuNodes } from "./environment.ts";
import { type OwnImage, ownImage, ownNodes } from "./image.ts";
import { labelsOf, type Part, podsOf } from "./labels.ts";
import { container, podSpec, resourcesOf, scratch, small } from "./pod.ts";
import { checksum, envFrom, homeFolder, releasesMount, serviceEnv, sharedSettings } from "./settings.ts";

export interface Shape {
  /** Name of the Deployment. */
  readonly id: string;
  readonly part: Part;
  readonly account: string;
  readonly image: OwnImage;
  readonly gpu: GpuNodes | null;
}

/** Time for callers to hear that a pod goes, before it refuses them: DNS and endpoints are renewed within it. */
const farewellSeconds = 5;
/** Farewell, the drain's 10 s, and room for closing. */
const graceSeconds = 30;
/** A release may take that long to load: 150 looks, 2 s apart. */
const startLooks = 150;

const surge = (maxUnavailable: number, maxSurge: number): k8s.RollingUpdateDeployment => ({
  maxUnavailable: k8s.IntOrString.fromNumber(maxUnavailable),
  maxSurge: k8s.IntOrString.fromNumber(maxSurge),
});
const oneMore = surge(0, 1);
/** A spare card is not to be had: the new pod would wait for one for ever. Pods on the CPU stand behind the same name meanwhile. */
const oneLess = surge(1, 0);

/** @returns the name of the Deployment. */
export function addDeployment(chart: Chart, fleet: readonly FleetRow[], environment: Environment, row: FleetRow, shape: Shape): string {
  const { id, part, gpu } = shape;
  const replicas = gpu?.replicas ?? (environment.scale === null ? 1 : undefined);
  new k8s.KubeDeployment(chart, `deployment-${id}`, {
    metadata: { name: id, labels: labelsOf(part) },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      revisionHistoryLimit: 5,
      minReadySeconds: 5,
      progressDeadlineSeconds: 600,
      strategy: {
        type: "RollingUpdate",
        rollingUpdate: gpu === null ? oneMore : oneLess,
      },
      selector: { matchLabels: podsOf(part) },
      template: {
        metadata: { labels: labelsOf(part), annotations: { ...checksum(sharedSettings(environment)), ...scrapeWords(row) } },
        spec: pods(fleet, environment, row, shape),
      },
    },
  });
  return id;
}

/** For a Prometheus of the cluster that reads them. */
const scrapeWords = (row: FleetRow): Readonly<Record<string, string>> => ({
  "prometheus.io/scrape": "true",
  "prometheus.io/port": `${adminPortOf(row)}`,
  "prometheus.io/path": "/metrics",
});

function pods(fleet: readonly FleetRow[], environment: Environment, row: FleetRow, shape: Shape): k8s.PodSpec {
  const releases = releasesMount(environment, true);
  return podSpec(shape.account, {
    terminationGracePeriodSeconds: graceSeconds,
    ...spread(shape.part),
    nodeSelector: { ...ownNodes, ...shape.gpu?.nodeSelector },
    ...(shape.gpu === null ? {} : { tolerations: [{ ...shape.gpu.toleration, operator: "Exists" }] }),
    containers: [
      container(
        {
          name: row.name,
          image: ownImage(environment, shape.image),
          ...(environment.live ? { command: ["node", "--watch", "--import", "tsx", "services/cli/main.ts"] } : {}),
          args: ["serve", row.name],
          ports: [
            { name: "grpc", containerPort: row.port },
            { name: "metrics", containerPort: adminPortOf(row) },
          ],
          envFrom,
          env: [...serviceEnv(fleet, environment, row), ...(shape.gpu === null ? [] : gpuEnv)],
          resources: serviceResources(environment, row, shape),
          ...probes(row),
          lifecycle: { preStop: { sleep: { seconds: farewellSeconds } } },
          volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, { name: "home", mountPath: homeFolder }, ...releases.mounts],
        },
        environment.live,
      ),
    ],
    volumes: [scratch("tmp", "256Mi"), scratch("home", "4Gi"), ...releases.volumes],
  });
}

const gpuEnv: readonly k8s.EnvVar[] = [
  { name: "MODISTE_RANKING_DEVICE", value: "cuda" },
  // The driver compiles kernels for the card at hand and keeps them; the root is read-only.
  { name: "CUDA_CACHE_PATH", value: "/tmp/cuda" },
];

/** Where many replicas run memory is promised in full, so that no neighbour can take it; CPU may be borrowed. */
function serviceResources({ scale }: Environment, { resources: { cpu, memoryMiB } }: FleetRow, { gpu }: Shape): k8s.ResourceRequirements {
  if (scale === null) return small(memoryMiB, 2);
  // Libraries and context of the card stand in the memory of the process.
  const memory = gpu === null ? memoryMiB : memoryMiB + 2048;
  const { requests, limits } = resourcesOf({
    requests: { cpu, memoryMiB: memory },
    limits: { cpu: Math.max(2, 2 * cpu), memoryMiB: memory },
  });
  return { requests: { ...requests }, limits: { ...limits, ...(gpu === null ? {} : { "nvidia.com/gpu": k8s.Quantity.fromNumber(1) }) } };
}

/** Not ready is never a reason to start anew: only readiness asks for it. */
function probes({ port }: FleetRow): Pick<k8s.Container, "startupProbe" | "livenessProbe" | "readinessProbe"> {
  const alive = { grpc: { port, service: "liveness" } };
  return {
    startupProbe: { ...alive, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: startLooks },
    livenessProbe: { ...alive, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    // A pod that ends leaves its Service by itself. Patient, for a pod that is slow under load must not leave the others, which are slow too, with its share:
    // with two looks of two seconds one full node took the only gateway away.
    readinessProbe: { grpc: { port }, periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 6, successThreshold: 1 },
  };
}

/** Apart where there is room, together where there is none: a lost zone must not keep the rest from starting. */
function spread(part: Part): Pick<k8s.PodSpec, "topologySpreadConstraints" | "affinity"> {
  const labelSelector = { matchLabels: podsOf(part) };
  return {
    topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector,
      // Pods of the version that goes do not count.
      matchLabelKeys: ["pod-template-hash"],
    })),
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector } },
        ],
      },
    },
  };
}
