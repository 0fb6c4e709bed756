/** What Tilt must know of the manifests, as JSON: groups, ports, order. The Tiltfile has no list of its own. */

import { type FleetRow, gatewayHttpPort } from "#libs/serve/fleet-row.ts";
import { arrowsOf, jobsOf } from "./arrows.ts";
import type { Manifest } from "./check.ts";
import type { Environment } from "./environment.ts";
import { ports } from "./ports.ts";

export interface TiltResource {
  readonly workload: string;
  readonly label: "serving" | "sources" | "data" | "telemetry" | "jobs";
  /** Forwarded to the same ports of this machine. */
  readonly ports: readonly number[];
  readonly deps: readonly string[];
  /** Jobs that wait for a clock have no pod to become ready. */
  readonly waits: boolean;
}

export interface TiltPlan {
  readonly resources: readonly TiltResource[];
  /** Name and kind of what runs nothing: one resource of its own, before all others. */
  readonly objects: readonly string[];
}

/** Of what the manifests hold beside workloads, Tilt puts Services to their pods by itself. */
const withPods = new Set(["Deployment", "StatefulSet", "Job", "CronJob", "Service"]);

function forwarded(name: string, row: FleetRow | undefined): readonly number[] {
  if (row?.kind === "gateway") return [gatewayHttpPort, row.port];
  if (name === "grafana") return [ports.grafana];
  return name === "prometheus" ? [ports.prometheus] : [];
}

function labelOf(component: string): TiltResource["label"] {
  if (component === "source") return "sources";
  if (component === "job") return "jobs";
  if (component === "telemetry") return "telemetry";
  return component === "bus" || component === "stores" ? "data" : "serving";
}

export function tiltPlan(fleet: readonly FleetRow[], environment: Environment, manifests: readonly Manifest[]): TiltPlan {
  const arrows = arrowsOf(fleet, environment);
  const workloads = manifests.filter(({ kind }) => withPods.has(kind) && kind !== "Service");
  const resources = workloads.map(({ kind, metadata }): TiltResource => {
    const { name } = metadata;
    // Services come up without what they call and say so; a job would only fail and be tried again.
    const needed = (jobsOf(environment) as readonly string[]).includes(name) ? arrows.filter(({ from }) => from === name) : [];
    return {
      workload: name,
      label: labelOf(metadata.labels?.["app.kubernetes.io/component"] ?? ""),
      ports: forwarded(
        name,
        fleet.find((row) => row.name === name),
      ),
      deps: [...new Set(needed.flatMap(({ to }) => (typeof to === "string" ? [to] : [])))],
      waits: kind === "CronJob",
    };
  });
  const objects = manifests.filter(({ kind }) => !withPods.has(kind)).map(({ kind, metadata }) => `${metadata.name}:${kind.toLowerCase()}`);
  return { resources, objects };
}
