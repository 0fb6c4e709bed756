/** The last look at what was written: what runs must be known, and of a version that stays what it is. */

import type { FleetRow } from "#libs/serve/fleet-row.ts";
import { jobs } from "./arrows.ts";
import { EnvironmentError } from "./environment.ts";
import { checkImage } from "./image.ts";

/** As much of a manifest as is asked here. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: unknown;
}

/** What runs beside the fleet. */
const infrastructure = ["kafka", "redis", "collector", "prometheus", "grafana", ...Object.keys(jobs)];

const running = new Set(["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"]);

/** Every `image` in a value. */
function imagesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "image" && typeof inner === "string" ? [inner] : imagesIn(inner)));
}

/** @throws EnvironmentError naming the manifest. */
export function checkManifests(fleet: readonly FleetRow[], manifests: readonly Manifest[]): void {
  const known = [...fleet.map(({ name }) => name), ...infrastructure];
  for (const { kind, metadata, spec } of manifests) {
    for (const image of imagesIn(spec)) checkImage(image);
    const name = metadata.labels?.["app.kubernetes.io/name"] ?? "";
    if (running.has(kind) && !known.includes(name))
      throw new EnvironmentError(`${kind} "${metadata.name}": "${name}" is no row of services/fleet.ts; there are ${known.join(", ")}`);
  }
}
