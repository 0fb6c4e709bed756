/** What runs to an end: a first shop, archive, the nightly release, an import, a rollback; and the volumes that they share with the fleet. */

import type { Chart } from "cdk8s";
import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import type { FleetRow } from "#libs/serve/fleet-row.ts";
import { addAccount } from "./account.ts";
import { goesOn, type JobName, jobsOf } from "./arrows.ts";
import type { Environment } from "./environment.ts";
import { ownImage, ownNodes } from "./image.ts";
import { type JobShape, jobShape } from "./job-table.ts";
import { labelsOf, type Part } from "./labels.ts";
import { container, podSpec, scratch } from "./pod.ts";
import { checksum, envFrom, homeFolder, jobEnv, releasesMount, sharedSettings } from "./settings.ts";

export function addVolumes(chart: Chart, { releases, retraining }: Environment): void {
  const claim = (name: string, giB: number): void => {
    new k8s.KubePersistentVolumeClaim(chart, name, {
      metadata: { name, labels: labelsOf({ name, component: "volume" }) },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: k8s.Quantity.fromString(`${giB}Gi`) } } },
    });
  };
  claim("modiste-data", retraining.dataGiB);
  if ("volumeGiB" in releases) claim("modiste-releases", releases.volumeGiB);
}

export function addJobs(chart: Chart, fleet: readonly FleetRow[], environment: Environment): void {
  for (const name of jobsOf(environment)) {
    const part = { name, component: "job" };
    const shape = jobShape(fleet, environment, name);
    const spec = jobSpec(fleet, environment, part, name, shape);
    const metadata = { name, labels: labelsOf(part) };
    addAccount(chart, part);
    if (shape.clock === null) new k8s.KubeJob(chart, name, { metadata, spec });
    else new k8s.KubeCronJob(chart, name, { metadata, spec: clockSpec(shape.clock, part, spec) });
  }
}

/** What is started by hand waits for a clock too: the template of a Job could not change with the next version. */
function clockSpec({ schedule, suspended }: NonNullable<JobShape["clock"]>, part: Part, spec: k8s.JobSpec): k8s.CronJobSpec {
  return {
    schedule,
    timeZone: "Etc/UTC",
    suspend: suspended,
    // Two at once would write the same files.
    concurrencyPolicy: "Forbid",
    startingDeadlineSeconds: 3600,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 3,
    jobTemplate: { metadata: { labels: labelsOf(part) }, spec },
  };
}

function jobSpec(fleet: readonly FleetRow[], environment: Environment, part: Part, name: JobName, shape: JobShape): k8s.JobSpec {
  return {
    backoffLimit: shape.again ? 6 : 0,
    activeDeadlineSeconds: shape.hours * 3600,
    // A finished one makes room for the next of its name.
    ttlSecondsAfterFinished: 24 * 3600,
    ...(shape.again ? { podFailurePolicy: failurePolicy(name) } : {}),
    template: {
      metadata: { labels: labelsOf(part), annotations: checksum(sharedSettings(environment)) },
      spec: pods(fleet, environment, name, shape),
    },
  };
}

const failurePolicy = (name: JobName): k8s.PodFailurePolicy => ({
  rules: [
    // Wrong settings (exit code 2) do not mend by trying again.
    { action: "FailJob", onExitCodes: { operator: "In", values: [2] } },
    // The gate refused the release; a second try would find it made and end well.
    ...(name === "retrain" ? [{ action: "FailJob", onExitCodes: { containerName: name, operator: "In", values: [1] } }] : []),
    { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
  ],
});

function pods(fleet: readonly FleetRow[], environment: Environment, name: JobName, { steps, resources, data }: JobShape): k8s.PodSpec {
  const releases = goesOn(fleet, name, "releases") ? releasesMount(environment, false) : { mounts: [], volumes: [] };
  const containers = steps.map(([step, ...args]) =>
    container(
      {
        name: step,
        image: ownImage(environment, environment.live ? "modiste-dev" : "modiste"),
        args,
        envFrom,
        env: jobEnv(fleet, environment, name),
        resources,
        volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, { name: "home", mountPath: homeFolder }, ...releases.mounts],
      },
      environment.live,
    ),
  );
  const before = containers.slice(0, -1);
  const home = data ? { name: "home", persistentVolumeClaim: { claimName: "modiste-data" } } : scratch("home", "4Gi");
  return podSpec(name, {
    nodeSelector: { ...ownNodes },
    restartPolicy: "Never",
    ...(before.length === 0 ? {} : { initContainers: before }),
    containers: containers.slice(-1),
    volumes: [scratch("tmp", "4Gi"), home, ...releases.volumes],
  });
}
