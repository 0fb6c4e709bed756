/** The namespace, with Pod Security `restricted` enforced: what asks for more does not start. */

import type { Chart } from "cdk8s";
import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import type { Environment } from "./environment.ts";
import { labelsOf } from "./labels.ts";
import { type secretKeys, settingsName } from "./settings.ts";

/** Of the standard, so that a newer cluster does not change what is meant. */
const podSecurityVersion = "v1.34";

export function addNamespace(chart: Chart, { name, namespace }: Environment): void {
  const security = ["enforce", "warn", "audit"].flatMap((mode): [string, string][] => [
    [`pod-security.kubernetes.io/${mode}`, "restricted"],
    [`pod-security.kubernetes.io/${mode}-version`, podSecurityVersion],
  ]);
  const labels = {
    ...labelsOf({ name: settingsName, component: "namespace" }),
    // What stands around the fleet, as an admission policy, tells environments apart by it.
    "modiste/environment": name,
    ...Object.fromEntries(security),
  };
  new k8s.KubeNamespace(chart, "namespace", { metadata: { name: namespace, labels } });
}

/** Values for a cluster of one's own, known to all who read this. Elsewhere the Secret is made by who runs the cluster. */
export function addDevSecret(chart: Chart): void {
  const values: Readonly<Record<(typeof secretKeys)[number], string>> = {
    "rpc-key": "dev-rpc-key",
    "subject-hash-key": "dev-subject-hash-key",
    "redis-url": "redis://redis:6379",
    "kafka-username": "",
    "kafka-password": "",
    "s3-access-key-id": "",
    "s3-secret-access-key": "",
  };
  const stringData = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
  const metadata = { name: settingsName, labels: labelsOf({ name: settingsName, component: "settings" }) };
  new k8s.KubeSecret(chart, "secret", { metadata, type: "Opaque", stringData });
}
