/** An environment as files of manifests: one chart a file, in the order in which they are applied. */

import { App, Chart, Yaml } from "cdk8s";
import type { FleetRow } from "#libs/serve/fleet-row.ts";
import { checkEnvironment, type Environment } from "./environment.ts";
import { addJobs, addVolumes } from "./jobs.ts";
import { addKafka } from "./kafka.ts";
import { addDevSecret, addNamespace } from "./namespace.ts";
import { addPolicies } from "./policies.ts";
import { addRedis } from "./redis.ts";
import { addService } from "./service.ts";
import { addSettings } from "./settings.ts";

/** File names without ending, with what fills them. */
type Parts = readonly (readonly [name: string, fill: (chart: Chart) => void])[];

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
    ...fleet.map((row): Parts[number] => [`20-${row.name}`, (chart) => addService(chart, fleet, environment, row)]),
    ["40-jobs", (chart) => addJobs(chart, fleet, environment)],
  ];
}

/** The beginning of every file. */
const header = "# Written by `npm run k8s` from charts-cdk8s and services/fleet.ts; do not edit.\n";

/** @returns text by file name, in order. @throws EnvironmentError */
export function synthesize(fleet: readonly FleetRow[], environment: Environment): ReadonlyMap<string, string> {
  checkEnvironment(environment);
  // A development folder of cdk8s's own would be made without one.
  const app = new App({ outdir: "unused", recordConstructMetadata: false });
  return new Map(
    partsOf(fleet, environment).map(([name, fill]) => {
      const chart = new Chart(app, name, { namespace: environment.namespace, disableResourceNameHashes: true });
      fill(chart);
      return [`${name}.yaml`, header + Yaml.stringify(...(chart.toJson() as unknown[]))];
    }),
  );
}
