/** Volumes of a cluster without a provisioner, whose only node is this machine: folders for the claims that wait. */

import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { kubectl, kubectlJson } from "./kubectl.ts";

interface Claim {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly volumeName?: string;
    readonly accessModes: readonly string[];
    readonly resources: { readonly requests: { readonly storage: string } };
  };
}

/** Gives every claim of the namespace that waits a folder under `root`. Answers their names. */
export async function provideVolumes(namespace: string, root: string): Promise<string[]> {
  const { items } = await kubectlJson<{ items: Claim[] }>(["-n", namespace, "get", "pvc"]);
  const waiting = items.filter(({ spec }) => spec.volumeName === undefined);
  for (const { metadata, spec } of waiting) {
    const path = join(root, metadata.name);
    await mkdir(path, { recursive: true });
    // Kubernetes gives a volume of this kind to no group: whoever the pod runs as must be able to write.
    await chmod(path, 0o777);
    const volume = {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: `${namespace}-${metadata.name}` },
      spec: {
        capacity: spec.resources.requests,
        accessModes: spec.accessModes,
        persistentVolumeReclaimPolicy: "Retain",
        claimRef: { namespace, name: metadata.name },
        hostPath: { path, type: "Directory" },
      },
    };
    await kubectl(["apply", "-f", "-"], JSON.stringify(volume));
  }
  return waiting.map(({ metadata }) => metadata.name);
}
