/** An environment as files of manifests: one chart a file, in the order in which they are applied. */

import { App, Chart, Yaml } from "cdk8s";
import { type FleetRow, rowNamed } from "#libs/serve/fleet-row.ts";
import { checkManifests, type Manifest } from "./check.ts";
import { addCollector } from "./collector.ts";
import { checkEnvironment, type Environment } from "./environment.ts";
import { addGrafana } from "./grafana.ts";
import { addJobs, addVolumes } from "./jobs.ts";
import { addKafka } from "./kafka.ts";
import { addDevSecret, addNamespace } from "./namespace.ts";
import { addPolicies } from "./policies.ts";
import { addPrometheus } from "./prometheus.ts";
import { addRedis } from "./redis.ts";
import { addService } from "./service.ts";
import { addSettings } from "./settings.ts";

/** File names without ending, with what fills them. */
type Parts = readonly (readonly [name: string, fill: (chart: Chart) => void])[];

const fileOf = ({ name }: FleetRow): string => `20-${name}`;

function partsOf(fleet: readonly FleetRow[], environment: Environment): Parts {
  const isDev = environment.name === "dev";
  const when = (holds: boolean, ...parts: Parts): Parts => (holds ? parts : []);
  return [
    ["00-namespace", (chart) => addNamespace(chart, environment)],
    ...when(isDev, ["01-secrets", addDevSecret]),
    ["02-config", (chart) => addSettings(chart, environment)],
    ["03-policies", (chart) => addPolicies(chart, fleet, environment)],
    ["04-volumes", (chart) => addVolumes(chart, environment)],
    ...when(environment.kafka === "inside", ["10-kafka", addKafka]),
    ...when(environment.redis === "inside", ["11-redis", addRedis]),
    ...fleet.map((row): Parts[number] => [fileOf(row), (chart) => addService(chart, fleet, environment, row)]),
    ...when(
      environment.telemetry === "inside",
      ["30-collector", addCollector],
      ["31-prometheus", (chart) => addPrometheus(chart, fleet)],
      ["32-grafana", (chart) => addGrafana(chart, fleet)],
    ),
    ["40-jobs", (chart) => addJobs(chart, fleet, environment)],
  ];
}

/** The beginning of every file. */
const header = "# Written by `npm run k8s` from charts-cdk8s and services/fleet.ts; do not edit.\n";

/**
 * @param only names of services that are wanted; none: all. Nothing else is left out.
 * @returns manifests by file name, in order. @throws EnvironmentError; not_found for a name that is no service.
 */
export function synthesize(
  fleet: readonly FleetRow[],
  environment: Environment,
  only: readonly string[] = [],
): ReadonlyMap<string, readonly Manifest[]> {
  checkEnvironment(environment);
  const left = new Set(
    only.length === 0 ? [] : fleet.filter((row) => !only.map((name) => rowNamed(fleet, name)).includes(row)).map(fileOf),
  );
  // Nothing is written there: without a name cdk8s would make a folder of its own.
  const app = new App({ outdir: "unused", recordConstructMetadata: false });
  const written = partsOf(fleet, environment).map(([name, fill]): [string, readonly Manifest[]] => {
    const chart = new Chart(app, name, { namespace: environment.namespace, disableResourceNameHashes: true });
    fill(chart);
    return [name, chart.toJson() as Manifest[]];
  });
  const kept = written.filter(([name]) => !left.has(name));
  checkManifests(
    fleet,
    kept.flatMap(([, manifests]) => manifests),
  );
  return new Map(kept.map(([name, manifests]) => [`${name}.yaml`, manifests]));
}

/** A file of `k8s/`. */
export const textOf = (manifests: readonly Manifest[]): string => header + Yaml.stringify(...manifests);
