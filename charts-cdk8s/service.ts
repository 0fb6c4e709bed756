/** One row of the fleet: its pods, how they are found, how many there are and how few there may be. */

import type { Chart } from "cdk8s";
import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import { adminPortOf, type FleetRow } from "#libs/serve/fleet-row.ts";
import { addAccount } from "./account.ts";
import { addDeployment, type Shape } from "./deployment.ts";
import type { Environment, GpuNodes } from "./environment.ts";
import { labelsOf, type Part, podsNamed } from "./labels.ts";

const partOf = ({ name, kind }: FleetRow): Part => ({ name, component: kind });

export function addService(chart: Chart, fleet: readonly FleetRow[], environment: Environment, row: FleetRow): void {
  const part = partOf(row);
  const account = addAccount(chart, part);
  const onCpu: Shape = { id: row.name, part, account, image: environment.live ? "modiste-dev" : "modiste", gpu: null };
  const target = addDeployment(chart, fleet, environment, row, onCpu);
  if (row.kind === "ranker" && environment.gpu !== null) addOnCards(chart, fleet, environment, row, { ...onCpu, gpu: environment.gpu });
  addDiscovery(chart, row, part);
  addBudget(chart, row, part);
  if (environment.scale !== null) addScaling(chart, row, part, target, environment.scale.replicasFactorMax);
}

/** Beside the pods on the CPU, behind the same name: those answer alone where no card is to be had. */
function addOnCards(
  chart: Chart,
  fleet: readonly FleetRow[],
  environment: Environment,
  row: FleetRow,
  shape: Shape & { readonly gpu: GpuNodes },
): void {
  const part = { ...shape.part, component: `${shape.part.component}-gpu` };
  addDeployment(chart, fleet, environment, row, { ...shape, id: `${row.name}-gpu`, part, image: "modiste-gpu" });
}

/** The name that DNS answers with every ready pod. */
export const podsService = ({ name, kind }: FleetRow): string => (kind === "gateway" ? `${name}-pods` : name);

/** Headless: callers ask DNS for every ready pod and choose in turn themselves, which one address in front would take from them. */
function addDiscovery(chart: Chart, row: FleetRow, part: Part): void {
  const selector = podsNamed(part.name);
  const rpc = { name: "grpc", port: row.port, targetPort: k8s.IntOrString.fromString("grpc"), appProtocol: "kubernetes.io/h2c" };
  const metrics = { name: "metrics", port: adminPortOf(row), targetPort: k8s.IntOrString.fromString("metrics") };
  new k8s.KubeService(chart, "headless", {
    metadata: { name: podsService(row), labels: labelsOf(part) },
    spec: { clusterIp: "None", selector, ports: [rpc, metrics] },
  });
  if (row.kind !== "gateway") return;
  // The door has one address for callers who know nothing of pods, and a name for those who choose themselves.
  const http = { name: "http", port: 80, targetPort: k8s.IntOrString.fromString("metrics") };
  new k8s.KubeService(chart, "door", {
    metadata: { name: row.name, labels: labelsOf(part) },
    spec: { type: "ClusterIP", selector, ports: [http, rpc] },
  });
}

/** Nodes are emptied one pod of a service at a time. */
function addBudget(chart: Chart, row: FleetRow, part: Part): void {
  new k8s.KubePodDisruptionBudget(chart, "budget", {
    metadata: { name: row.name, labels: labelsOf(part) },
    spec: { maxUnavailable: k8s.IntOrString.fromNumber(1), selector: { matchLabels: podsNamed(row.name) } },
  });
}

/** Up at once, down slowly: a pod that was not needed costs less than one that was missing. */
function addScaling(chart: Chart, row: FleetRow, part: Part, target: string, factorMax: number): void {
  new k8s.KubeHorizontalPodAutoscalerV2(chart, "scaling", {
    metadata: { name: row.name, labels: labelsOf(part) },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: target },
      minReplicas: row.replicas,
      maxReplicas: row.replicas * factorMax,
      metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 65 } } }],
      behavior: {
        scaleUp: { policies: [{ type: "Percent", value: 100, periodSeconds: 30 }] },
        scaleDown: { stabilizationWindowSeconds: 600, policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] },
      },
    },
  });
}
