/** What runs to an end: a first shop, the nightly release, an import; and the volumes that they share with the fleet. */

import type { Chart } from "cdk8s";
import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import type { FleetRow } from "#libs/serve/fleet-row.ts";
import { addAccount } from "./account.ts";
import { type JobName, jobsOf } from "./arrows.ts";
import type { Environment } from "./environment.ts";
import { ownImage, ownNodes } from "./image.ts";
import { labelsOf, type Part } from "./labels.ts";
import { container, podSpec, resourcesOf, scratch } from "./pod.ts";
import { checksum, envFrom, homeFolder, jobEnv, releasesMount, sharedSettings } from "./settings.ts";

/** Commands of `modiste`, one after another; the last is the job's own. */
type Steps = readonly (readonly [name: string, ...args: string[]])[];

/** Where the archive's events are added to the data set that the shop began with. */
const continued = "continued";

const stepsOf: Readonly<Record<JobName, (environment: Environment) => Steps>> = {
  prepare: () => [["prepare", "prepare"]],
  retrain: ({ retraining: { base } }) => [
    ["archive", "events", "archive"],
    ["continue", "import", "archive", base, "--out", `${homeFolder}/data/${continued}`, "--force"],
    ["retrain", "retrain", "--data", continued, "--once"],
  ],
  // The files lie on the volume; another shape of files needs other words here.
  import: ({ retraining: { base } }) => [
    [
      "import",
      ...["import", "interactions", `${homeFolder}/incoming/purchases.csv`],
      ...["--map", "user=customer,item=article,time=bought_at,value=price", "--out", `${homeFolder}/data/${base}`],
    ],
    ["train", "train", "--data", base],
    ["seed", "profiles", "seed", "--data", base],
  ],
};

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
  const names = jobsOf(environment);
  for (const name of names) {
    const part = { name, component: "job" };
    const spec = jobSpec(fleet, environment, part, name);
    addAccount(chart, part);
    if (name === "retrain") addRetraining(chart, environment, part, spec);
    else addJob(chart, part, { ...spec, suspend: name === "import" });
  }
}

function addJob(chart: Chart, part: Part, spec: k8s.JobSpec): void {
  new k8s.KubeJob(chart, part.name, { metadata: { name: part.name, labels: labelsOf(part) }, spec });
}

function addRetraining(chart: Chart, { retraining }: Environment, part: Part, spec: k8s.JobSpec): void {
  new k8s.KubeCronJob(chart, part.name, {
    metadata: { name: part.name, labels: labelsOf(part) },
    spec: {
      schedule: retraining.schedule,
      timeZone: "Etc/UTC",
      suspend: retraining.suspended,
      // Two at once would write the same data set.
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: 3600,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      jobTemplate: { metadata: { labels: labelsOf(part) }, spec },
    },
  });
}

function jobSpec(fleet: readonly FleetRow[], environment: Environment, part: Part, name: JobName): k8s.JobSpec {
  return {
    backoffLimit: 6,
    activeDeadlineSeconds: 12 * 3600,
    // A finished one makes room for the next of its name.
    ttlSecondsAfterFinished: 24 * 3600,
    podFailurePolicy: {
      rules: [
        // Wrong settings (exit code 2) do not mend by trying again.
        { action: "FailJob", onExitCodes: { operator: "In", values: [2] } },
        // The gate refused the release; a second try would find it made and end well.
        ...(name === "retrain" ? [{ action: "FailJob", onExitCodes: { containerName: name, operator: "In", values: [1] } }] : []),
        { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
      ],
    },
    template: {
      metadata: { labels: labelsOf(part), annotations: checksum(sharedSettings(environment)) },
      spec: pods(fleet, environment, name),
    },
  };
}

function pods(fleet: readonly FleetRow[], environment: Environment, name: JobName): k8s.PodSpec {
  const releases = releasesMount(environment, false);
  const { cpu, memoryMiB } = environment.retraining;
  const limits = { cpu, memoryMiB };
  const resources = resourcesOf({ requests: environment.scale === null ? { cpu: 0.05, memoryMiB: memoryMiB / 2 } : limits, limits });
  const containers = stepsOf[name](environment).map(([step, ...args]) =>
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
  return podSpec(name, {
    nodeSelector: { ...ownNodes },
    restartPolicy: "Never",
    ...(before.length === 0 ? {} : { initContainers: before }),
    containers: containers.slice(-1),
    volumes: [scratch("tmp", "4Gi"), { name: "home", persistentVolumeClaim: { claimName: "modiste-data" } }, ...releases.volumes],
  });
}
