/** What every pod here has in common: the restricted Pod Security Standard and more, in one place. */

import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";

/** User and group of our images; those of others run as it too. */
export const userId = 65_532;

/** CPU in cores, memory in MiB. */
export interface Resources {
  readonly requests: { readonly cpu: number; readonly memoryMiB: number };
  readonly limits: { readonly cpu: number; readonly memoryMiB: number };
}

const quantities = ({ cpu, memoryMiB }: Resources["limits"]): Record<string, k8s.Quantity> => ({
  cpu: k8s.Quantity.fromString(Number.isInteger(cpu) ? `${cpu}` : `${Math.round(cpu * 1000)}m`),
  memory: k8s.Quantity.fromString(`${Math.round(memoryMiB)}Mi`),
});

export function resourcesOf({ requests, limits }: Resources): k8s.ResourceRequirements {
  return { requests: quantities(requests), limits: quantities(limits) };
}

/** Asks for little, may take more: parts of a development cluster, which are idle most of the time. */
export const small = (memoryMiB: number, cpuMax = 1): k8s.ResourceRequirements =>
  resourcesOf({ requests: { cpu: 0.05, memoryMiB: memoryMiB / 2 }, limits: { cpu: cpuMax, memoryMiB } });

export type ContainerSpec = Omit<k8s.Container, "securityContext" | "resources"> & { readonly resources: k8s.ResourceRequirements };

/** @param writableRoot for live updates alone: they write into a running container. */
export function container(spec: ContainerSpec, writableRoot = false): k8s.Container {
  return {
    imagePullPolicy: "IfNotPresent",
    ...spec,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: !writableRoot,
      runAsNonRoot: true,
    },
  };
}

/** @param account name of the pod's own ServiceAccount: nothing here speaks with the API server. */
export function podSpec(account: string, spec: k8s.PodSpec): k8s.PodSpec {
  return {
    ...spec,
    serviceAccountName: account,
    automountServiceAccountToken: false,
    // Else the Services of the namespace come as variables, which read like settings.
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      fsGroup: userId,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

/** A folder in the pod's life, at most `size`. */
export const scratch = (name: string, size: string): k8s.Volume => ({ name, emptyDir: { sizeLimit: k8s.Quantity.fromString(size) } });
