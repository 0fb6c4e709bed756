/** What each job does, when, and with how much. */

import type * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import type { FleetRow } from "#libs/serve/fleet-row.ts";
import type { JobName } from "./arrows.ts";
import type { Environment } from "./environment.ts";
import { resourcesOf } from "./pod.ts";
import { homeFolder } from "./settings.ts";

/** Commands of `modiste`, one after another; the last is the job's own. */
export type Steps = readonly (readonly [name: string, ...args: string[]])[];

export interface JobShape {
  readonly steps: Steps;
  /** Null: it runs when it is applied. */
  readonly clock: { readonly schedule: string; readonly suspended: boolean } | null;
  readonly resources: k8s.ResourceRequirements;
  /** Whether data sets and archive are mounted. The volume is one node's at a time. */
  readonly data: boolean;
  /** A step that is done twice is as done once; else the pod is tried only once. */
  readonly again: boolean;
  readonly hours: number;
}

/** A day there never is: people start it, with `kubectl create job --from=cronjob/NAME`. */
const byHand = { schedule: "0 0 31 2 *", suspended: true };

/** Where the archive's events are added to the data set that the shop began with. */
const continued = "continued";

const importing = (base: string): Steps => [
  // The files lie on the volume; another shape of files needs other words here.
  [
    "import",
    ...["import", "interactions", `${homeFolder}/incoming/purchases.csv`],
    ...["--map", "user=customer,item=article,time=bought_at,value=price", "--out", `${homeFolder}/data/${base}`],
  ],
  ["train", "train", "--data", base],
  ["seed", "profiles", "seed", "--data", base],
];

const retraining = (base: string): Steps => [
  ["continue", "import", "archive", base, "--out", `${homeFolder}/data/${continued}`, "--force"],
  ["retrain", "retrain", "--data", continued, "--once"],
];

function training({ scale, retraining: { cpu, memoryMiB } }: Environment): k8s.ResourceRequirements {
  const limits = { cpu, memoryMiB };
  return resourcesOf({ requests: scale === null ? { cpu: 0.05, memoryMiB: memoryMiB / 2 } : limits, limits });
}

/** Every part of a release is loaded before it serves: what all services hold together. */
function loading(fleet: readonly FleetRow[], { scale }: Environment): k8s.ResourceRequirements {
  const memoryMiB = fleet.reduce((sum, { resources }) => sum + resources.memoryMiB, 0);
  return resourcesOf({ requests: scale === null ? { cpu: 0.05, memoryMiB: 512 } : { cpu: 1, memoryMiB }, limits: { cpu: 2, memoryMiB } });
}

export function jobShape(fleet: readonly FleetRow[], environment: Environment, name: JobName): JobShape {
  const { base, schedule, suspended } = environment.retraining;
  const common = { resources: training(environment), data: true, again: true, hours: 12 };
  switch (name) {
    case "prepare":
      return { ...common, steps: [["prepare", "prepare"]], clock: null };
    case "archive": {
      const resources = resourcesOf({ requests: { cpu: 0.25, memoryMiB: 512 }, limits: { cpu: 1, memoryMiB: 1024 } });
      return { ...common, steps: [["archive", "events", "archive"]], clock: environment.archiving, resources, hours: 1 };
    }
    case "retrain":
      return { ...common, steps: retraining(base), clock: { schedule, suspended } };
    case "import":
      return { ...common, steps: importing(base), clock: byHand };
    case "rollback":
      return {
        steps: [["rollback", "releases", "rollback"]],
        clock: byHand,
        resources: loading(fleet, environment),
        data: false,
        // A second one would go back one release more.
        again: false,
        hours: 1,
      };
  }
}
