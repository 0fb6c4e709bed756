/** An identity for each part, without a token: who does what shows in the audit, and nobody can ask the API server for anything. */

import type { Chart } from "cdk8s";
import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import { labelsOf, type Part } from "./labels.ts";

/** @returns its name. */
export function addAccount(chart: Chart, part: Part): string {
  new k8s.KubeServiceAccount(chart, `account-${part.name}`, {
    metadata: { name: part.name, labels: labelsOf(part) },
    automountServiceAccountToken: false,
  });
  return part.name;
}
